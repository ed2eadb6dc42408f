#pragma once
// A picture that another program made (or Kinora), as a task with the same parameters.

#include "core/library/model_library.h"
#include "kernels/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

struct ImportedPicture {
    std::string file;     // its name, without folders
    std::string madeWith; // "A1111", "ComfyUI", "InvokeAI", "Kinora"
    std::vector<std::pair<std::string, std::string>> request; // parameter, text
    // What has no equal here, as name and value, as the other program says it.
    std::vector<std::pair<std::string, std::string>> others;
};

// Its model is taken where one of that name is in the library, else it is one of `others`. Errors:
// as readPictureInfo; BadFile: nothing in the file says how it was made.
Result<ImportedPicture> importPicture(const std::filesystem::path& path,
                                      const ModelLibrary& library);

// A batch of them, one row each. Those without a seed get `seed`, plus their place.
nlohmann::ordered_json importedBatch(const std::string& name,
                                     const std::vector<ImportedPicture>& pictures, int64_t seed);

} // namespace kinora::core
