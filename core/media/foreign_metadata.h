#pragma once
// What ComfyUI and InvokeAI write about a picture, as far as a request can say it. Hostile input:
// graphs of any shape, cyclic ones too; values of the wrong type go to `others` or are passed over.

#include "core/media/metadata.h"

#include <string_view>

namespace kinora::core {

// ComfyUI's "prompt" entry: JSON of node id to {class_type, inputs}. Nothing is set where the text
// is no such graph.
void readComfyUi(std::string_view promptJson, PictureInfo& info);

// InvokeAI's "invokeai_metadata" (version 3 and later) and "sd-metadata" (version 2) entries.
void readInvokeAi(std::string_view metadataJson, PictureInfo& info);

// InvokeAI's "Dream" entry (version 1 and 2): "a cat [dog]" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A
// ddim
void readDream(std::string_view command, PictureInfo& info);

} // namespace kinora::core
