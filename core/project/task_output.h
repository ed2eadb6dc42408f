#pragma once
// The file that a task makes: its name, and whether the one that is there is it.

#include "core/media/provenance.h"
#include "core/project/project_history.h"
#include "pipelines/request/image_request.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::core {

struct TaskOutput {
    std::string name;                // "00012-red_apple-7.png"
    pipelines::ImageRequest request; // with files as paths
    std::string modelName, modelHash;
    std::vector<UsedFile> files;    // LoRAs, as the metadata of a picture call them
    std::string latentsHash;        // "sha256:...", where it begins from a file
    std::string initHash, maskHash; // where it begins from a picture
    // Of the pictures that nets follow, in the request's order.
    std::vector<std::string> controlHashes, adapterHashes;
    std::string key; // "sha256:..." of all that decides the picture
};

// A pure function of the task's number, prompt and seed. format: "png".
std::string taskFileName(int64_t number, const pipelines::ImageRequest& request,
                         const std::string& format);

// Of the request as the project states it (files as assets), the model's hash and those of files
// that the request calls by name.
std::string requestKey(const pipelines::ImageRequest& request, const std::string& modelHash,
                       const std::vector<UsedFile>& files);

enum class OutputState {
    Missing,
    Valid, // made for this request, and whole
    Other, // another picture, or a damaged one
};

// Valid by the history (the file's bytes are those that were written for this request), else by
// what the file says of itself: its request and model agree with the task's, and its pixels with
// their hash (in formats that lose something: they can be decoded).
OutputState checkOutput(const TaskOutput& output, const std::filesystem::path& path,
                        const ProjectHistory& history);

// Whether the picture is one that the task may have made: every parameter that the task states is
// the same.
bool answers(const Provenance& made, const TaskOutput& output);

} // namespace kinora::core
