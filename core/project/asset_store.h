#pragma once
// Files that a project needs, kept beside it in name.assets/ under their SHA-256:
// "asset:0123...ef.safetensors" in a project is that file there. Such a name cannot lead anywhere
// else, and says when the file is no longer what it was.

#include "kernels/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

// "asset:", 64 hexadecimal digits, and an extension of letters and digits or none.
bool isAssetReference(std::string_view text);
// Those within a longer text, as "asset:0123...ef.safetensors:0.8" of a LoRA.
std::vector<std::string> assetReferencesIn(std::string_view text);
// Whether the values of this parameter, or the entries of its list, are files.
bool isAssetParameter(std::string_view parameter);

class AssetStore {
  public:
    // An empty folder keeps nothing: its references alone are made, for a look at what would be.
    explicit AssetStore(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    // Copies the file in, where it is not there yet; its reference. Errors: NotFound, BadFile,
    // InvalidArgument (the folder is a link), Io, DiskFull.
    Result<std::string> add(const std::filesystem::path& file) const;
    // Where it lies. Error{InvalidArgument}: no reference; NotFound: not here; BadFile: the file
    // is another than its name says, or a link. Reads the whole file.
    Result<std::filesystem::path> find(std::string_view reference) const;

  private:
    std::filesystem::path m_folder;
};

} // namespace kinora::core
