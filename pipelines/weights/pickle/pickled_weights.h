#pragma once
// A file that torch.save wrote (.ckpt, .pt, .pth, .bin) as a source of weights. Nothing in it is
// ever run: pickle_machine.h reads what it says of its tensors.

#include "pipelines/weights/pickle/pickle_machine.h"
#include "pipelines/weights/regular_file.h"
#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kinora::pipelines {

// Whether a file begins as torch.save's do: a zip archive, or a pickle.
bool looksPickled(std::string_view firstBytes);

class PickledWeights final : public WeightSource {
  public:
    // Tensors below "state_dict", where there is one, are named from there on; others that the file
    // has besides (an optimiser's) are left out then. Throws Error{NotFound, BadFile, Io};
    // Error{Unsupported} where the pickle asks for more than tensors.
    PickledWeights(const std::filesystem::path& path, std::string label);

    const std::string& label() const override { return m_file.label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override { return m_totalBytes; }
    void read(std::string_view name, int64_t first, std::span<float> values) const override;
    // A text or a whole number beside the tensors: "name", "step".
    std::string remark(std::string_view key) const override;

  private:
    struct Storage {
        uint64_t offset = 0, sizeBytes = 0; // in the file
    };
    struct Stored {
        TensorInfo info;
        uint64_t begin = 0; // byte in the file of the first element
        bool contiguous = true;
        std::vector<int64_t> strides;
        uint64_t extent = 0; // elements from the first to the last, both included
    };
    void openArchive();
    void openOldFile();
    void add(const Pickle& pickle, const std::map<std::string, Storage>& storages);
    Stored placed(const PickledTensor& tensor, const Storage& storage) const;

    RegularFile m_file;
    std::map<std::string, Stored, std::less<>> m_tensors;
    std::map<std::string, std::string, std::less<>> m_remarks;
    int64_t m_totalBytes = 0;
};

} // namespace kinora::pipelines
