#include "pipelines/weights/safetensors_writer.h"

#include "kernels/base/atomic_file.h"

#include <nlohmann/json.hpp>

#include <cstdint>

namespace kinora::pipelines {

void writeSafetensors(const std::filesystem::path& path, std::span<const NamedValues> tensors) {
    nlohmann::json header = nlohmann::json::object();
    uint64_t offset = 0;
    for (const NamedValues& tensor : tensors) {
        const uint64_t end = offset + tensor.values.size_bytes();
        header[tensor.name] = {
            {"dtype", "F32"},
            {"shape", std::vector<int64_t>(tensor.shape.dims().begin(), tensor.shape.dims().end())},
            {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' '); // data begins at a multiple of eight
    const uint64_t headerBytes = text.size();    // little-endian, as the hosts that we build for

    AtomicFile file(path, path.string());
    file.write(std::as_bytes(std::span(&headerBytes, 1)));
    file.write(std::as_bytes(std::span(text)));
    for (const NamedValues& tensor : tensors) file.write(std::as_bytes(tensor.values));
    file.publish(AtomicFile::Replace::Yes);
}

} // namespace kinora::pipelines
