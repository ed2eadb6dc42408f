#pragma once
// What of a job's files decides its bytes: for its checkpoint, and for the metadata of its
// pictures.

#include "core/engine/checkpoint.h"
#include "core/engine/passes/pass.h"
#include "core/media/provenance.h"
#include "kernels/base/cancel_token.h"
#include "pipelines/weights/model.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::core {

// Of the youngest of the model's files. Throws Error{Io} where one went meanwhile.
std::filesystem::file_time_type lastChange(const pipelines::Model& model);

// "sha256:..." of a file that a run begins from; empty where there is none. Throws Error where it
// cannot be read, and Cancelled.
std::string inputHash(const std::string& path, const CancelToken& cancel);

// What all pictures of a job have in common, as far as its request tells; hashes of what it begins
// from. Throws as inputHash.
Provenance provenanceOf(const pipelines::ImageRequest& request, const CancelToken& cancel);

// provenance: with engine, device, precision and threads. models: those of the passes. pictures:
// beside the prompt. Throws Error{Io}, Cancelled.
RunIdentity identityOf(const pipelines::ImageRequest& request, const Provenance& provenance,
                       const std::vector<const pipelines::Model*>& models, const JobPasses& passes,
                       const std::vector<std::filesystem::path>& pictures,
                       const CancelToken& cancel);

} // namespace kinora::core
