#pragma once
// The embeddings that a run reads its prompts with: those that the request lists, and those that
// the prompts name.

#include "core/library/model_library.h"
#include "pipelines/request/image_request.h"
#include "pipelines/weights/model.h"

#include <string>
#include <vector>

namespace kinora::core {

// Where promptEmbeddings is "auto": adds to the request's list what its prompts name and "off" to
// the rest, so that it gives the same picture whatever files come later. In ComfyUI's language that
// is "embedding:NAME", which has to be here; else each word that is the name of an embedding,
// whatever folder it lies in. -> sentences: files that are named so and do not fit the model or
// cannot be read; their names stay text. Throws Error{NotFound, InvalidArgument}.
std::vector<std::string> addPromptEmbeddings(pipelines::ImageRequest& request,
                                             const pipelines::Model& model,
                                             const ModelLibrary& library);

} // namespace kinora::core
