#pragma once
// How a picture was made: what its file carries and `verify` replays. No paths, no clock.

#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace kinora::core {

// A file beside the model that decides the picture: a LoRA.
struct UsedFile {
    std::string name; // as the request has it
    std::string hash; // "sha256:..."

    friend bool operator==(const UsedFile&, const UsedFile&) = default;
};

// A picture that was made larger after it was made.
struct Enlargement {
    UsedFile upscaler;
    int64_t scale = 1;
    std::string precision;
    int64_t tile = 0; // side in pixels of the picture before
    // How the picture before lay in its file, as PictureInfo::format says: what a format makes of
    // pixels is enlarged with them. Empty: as PNG keeps them.
    std::string source;

    friend bool operator==(const Enlargement&, const Enlargement&) = default;
};

struct Provenance {
    pipelines::ImageRequest request; // resolved: every result parameter set, count 1, seed its own
    std::string modelName;
    std::string modelHash;       // "sha256:..."
    std::vector<UsedFile> files; // in the order in which the request names them
    std::string engineVersion;   // "kinora 0.1.0 (abc1234)"
    std::string device;          // the plan that it ran by
    std::string precision;
    int threads = 0;
    int64_t batch = 1;
    std::string latentsHash;  // "sha256:..." of the file that the noise came from; usually empty
    int64_t latentsIndex = 0; // the entry of that file; meaningless where there is none
    std::string initHash;     // of the file of the picture that it began from; usually empty
    std::string maskHash;     // of the file of its mask; usually empty
    // Of the files of the pictures that it followed: one for each ControlNet, each T2I-Adapter.
    std::vector<std::string> controlHashes, adapterHashes;
    std::vector<Enlargement> enlargements; // what was done to it afterwards, in this order
    std::string outputHash; // "sha256:..." of the decoded 8-bit pixels; set when it is written
};

// Canonical JSON, "format": "kinora/1".
nlohmann::json toJson(const Provenance& provenance);
// Hostile input: every type and range is checked.
Result<Provenance> provenanceFromJson(const nlohmann::json& json);

} // namespace kinora::core
