#include "pipelines/weights/pickle/pickled_weights.h"

#include "kernels/base/error.h"
#include "pipelines/weights/convert.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/pickle/zip_directory.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kZip = "PK\x03\x04";
constexpr uint64_t kMostPickleBytes = uint64_t{256} << 20;
constexpr std::string_view kStates[] = {"state_dict."};
constexpr std::string_view kRemarks[] = {"name", "step", "sd_checkpoint", "sd_checkpoint_name"};
// Of the number 0x1950a86a20f9469cfc6c, with which files from before PyTorch 1.6 begin.
constexpr uint64_t kOldMagic = 0xa86a20f9469cfc6c;

[[noreturn]] void fail(const RegularFile& file, const std::string& what) {
    throw Error(ErrorCode::BadFile, file.label() + ": " + what,
                "The file is damaged or was cut short; fetch it again.");
}

std::vector<std::byte> readAll(const RegularFile& file, uint64_t offset, uint64_t sizeBytes) {
    if (sizeBytes > kMostPickleBytes) fail(file, "its pickle is absurdly large.");
    std::vector<std::byte> bytes(sizeBytes);
    file.read(offset, bytes);
    return bytes;
}

uint64_t elementsOf(const std::vector<int64_t>& shape, const RegularFile& file,
                    const std::string& name) {
    uint64_t elements = 1;
    for (const int64_t size : shape)
        if (__builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements))
            fail(file, "tensor " + briefName(name) + " has an absurd shape.");
    return elements;
}

} // namespace

bool looksPickled(std::string_view firstBytes) {
    return firstBytes.starts_with(kZip) || (firstBytes.size() > 1 && firstBytes[0] == '\x80' &&
                                            firstBytes[1] >= 2 && firstBytes[1] <= 5);
}

PickledWeights::PickledWeights(const std::filesystem::path& path, std::string label)
    : m_file(path, std::move(label)) {
    std::string start(std::min<uint64_t>(m_file.sizeBytes(), kZip.size()), '\0');
    m_file.read(0, std::as_writable_bytes(std::span(start)));
    if (start == kZip)
        openArchive();
    else
        openOldFile();
}

// data.pkl says what the tensors are, data/0, data/1 ... hold their numbers.
void PickledWeights::openArchive() {
    const std::map<std::string, ZipEntry> entries = readZipDirectory(m_file);
    const auto pickle = std::ranges::find_if(
        entries, [](const auto& entry) { return entry.first.ends_with("/data.pkl"); });
    if (pickle == entries.end())
        fail(m_file, "is a zip archive, but not one that PyTorch wrote: it has no data.pkl.");
    const std::string folder =
        pickle->first.substr(0, pickle->first.size() - std::string_view("data.pkl").size());
    if (const auto order = entries.find(folder + "byteorder"); order != entries.end()) {
        const auto bytes =
            readAll(m_file, order->second.offset, std::min<uint64_t>(order->second.sizeBytes, 16));
        if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) != "little")
            throw Error(ErrorCode::Unsupported,
                        m_file.label() + ": its numbers are in big-endian order.",
                        "Save it again on a machine of this kind.");
    }
    std::map<std::string, Storage> storages;
    for (const auto& [name, entry] : entries)
        if (name.starts_with(folder + "data/"))
            storages[name.substr(folder.size() + 5)] = {entry.offset, entry.sizeBytes};
    const auto bytes = readAll(m_file, pickle->second.offset, pickle->second.sizeBytes);
    add(readPickle(bytes, label()), storages);
}

// Before PyTorch 1.6: five pickles (a magic number, the format's version, the machine, the object,
// the keys of the storages), and each storage as a count of elements and the elements.
void PickledWeights::openOldFile() {
    const auto bytes = readAll(m_file, 0, std::min(m_file.sizeBytes(), kMostPickleBytes));
    std::span<const std::byte> rest(bytes);
    const auto next = [&] {
        Pickle pickle = readPickle(rest, label());
        rest = rest.subspan(pickle.sizeBytes());
        return pickle;
    };
    if (static_cast<uint64_t>(next().integer().value_or(0)) != kOldMagic)
        fail(m_file, "is a pickle, but not one that PyTorch wrote.");
    next();
    next();
    const Pickle object = next();
    const std::vector<std::string> keys = next().texts();
    std::map<std::string, kernels::DType> dtypes;
    for (const PickledTensor& tensor : object.tensors()) dtypes[tensor.storage] = tensor.dtype;
    std::map<std::string, Storage> storages;
    uint64_t at = bytes.size() - rest.size();
    for (const std::string& key : keys) {
        const auto dtype = dtypes.find(key);
        if (dtype == dtypes.end()) break; // its length cannot be told, nor where the next one is
        const auto count = readAll(m_file, at, std::min<uint64_t>(8, m_file.sizeBytes() - at));
        if (count.size() < 8) fail(m_file, "ends before its numbers do.");
        uint64_t elements = 0;
        for (size_t i = 8; i-- > 0;) elements = elements << 8 | std::to_integer<uint64_t>(count[i]);
        at += 8;
        const uint64_t room = (m_file.sizeBytes() - at) / kernels::sizeBytes(dtype->second);
        if (elements > room) fail(m_file, "ends before its numbers do.");
        storages[key] = {at, elements * kernels::sizeBytes(dtype->second)};
        at += storages[key].sizeBytes;
    }
    add(object, storages);
}

void PickledWeights::add(const Pickle& pickle, const std::map<std::string, Storage>& storages) {
    const std::vector<PickledTensor> tensors = pickle.tensors();
    std::string_view below;
    for (const std::string_view state : kStates)
        for (const PickledTensor& tensor : tensors)
            if (tensor.name.starts_with(state)) below = state;
    for (const PickledTensor& tensor : tensors) {
        if (!tensor.name.starts_with(below)) continue;
        const auto storage = storages.find(tensor.storage);
        if (storage == storages.end())
            fail(m_file, "the numbers of tensor " + briefName(tensor.name) + " are not in it.");
        Stored stored = placed(tensor, storage->second);
        stored.info.name = tensor.name.substr(below.size());
        m_totalBytes += stored.info.shape.elements() *
                        static_cast<int64_t>(kernels::sizeBytes(stored.info.dtype));
        m_tensors.insert_or_assign(stored.info.name, std::move(stored));
    }
    if (m_tensors.empty()) fail(m_file, "holds no tensors.");
    for (const std::string_view key : kRemarks)
        if (const auto text = pickle.text(key)) m_remarks.emplace(key, *text);
}

PickledWeights::Stored PickledWeights::placed(const PickledTensor& tensor,
                                              const Storage& storage) const {
    Stored stored;
    const uint64_t size = kernels::sizeBytes(tensor.dtype);
    const uint64_t elements = elementsOf(tensor.shape, m_file, tensor.name);
    const uint64_t room = storage.sizeBytes / size;
    uint64_t last = 0; // how far the last element is behind the first
    bool fits = tensor.shape.size() <= static_cast<size_t>(kernels::kMaxRank);
    for (size_t axis = 0; axis < tensor.shape.size() && elements > 0; ++axis) {
        uint64_t reach = 0;
        fits = fits &&
               !__builtin_mul_overflow(static_cast<uint64_t>(tensor.shape[axis] - 1),
                                       static_cast<uint64_t>(tensor.strides[axis]), &reach) &&
               !__builtin_add_overflow(last, reach, &last);
    }
    // More elements than bytes would be a small file that fills the memory.
    fits = fits && elements <= room && tensor.offset <= room &&
           (elements == 0 || last < room - tensor.offset);
    if (!fits)
        fail(m_file, "tensor " + briefName(tensor.name) + " reaches outside of its numbers.");
    stored.info = {tensor.name, tensor.dtype,
                   kernels::Shape(std::span<const int64_t>(tensor.shape))};
    stored.begin = storage.offset + tensor.offset * size;
    stored.extent = elements == 0 ? 0 : last + 1;
    stored.strides = tensor.strides;
    int64_t expected = 1;
    for (size_t axis = tensor.shape.size(); axis-- > 0;) {
        if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) stored.contiguous = false;
        expected *= tensor.shape[axis];
    }
    return stored;
}

std::optional<TensorInfo> PickledWeights::find(std::string_view name, const kernels::Shape&) const {
    const auto found = m_tensors.find(name);
    return found == m_tensors.end() ? std::nullopt : std::optional(found->second.info);
}

std::vector<std::string> PickledWeights::names() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : m_tensors) names.push_back(name);
    return names;
}

std::string PickledWeights::remark(std::string_view key) const {
    const auto found = m_remarks.find(key);
    return found == m_remarks.end() ? std::string() : found->second;
}

void PickledWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    const auto found = m_tensors.find(name);
    if (found == m_tensors.end())
        throw Error(ErrorCode::Internal, label() + ": no tensor " + std::string(name) + ".");
    const Stored& tensor = found->second;
    const size_t size = kernels::sizeBytes(tensor.info.dtype);
    const auto start = static_cast<uint64_t>(first);
    if (tensor.contiguous) {
        std::vector<std::byte> bytes(values.size() * size);
        m_file.read(tensor.begin + start * size, bytes);
        convertToFloat(tensor.info.dtype, bytes.data(), values);
        return;
    }
    // Rare (a transposed matrix): all of it is read, and the elements picked out.
    std::vector<std::byte> bytes(tensor.extent * size);
    m_file.read(tensor.begin, bytes);
    const kernels::Shape& shape = tensor.info.shape;
    for (size_t i = 0; i < values.size(); ++i) {
        int64_t index = first + static_cast<int64_t>(i), place = 0;
        for (int axis = shape.rank(); axis-- > 0;) {
            place += index % shape[axis] * tensor.strides[static_cast<size_t>(axis)];
            index /= shape[axis];
        }
        convertToFloat(tensor.info.dtype, bytes.data() + static_cast<size_t>(place) * size,
                       values.subspan(i, 1));
    }
}

} // namespace kinora::pipelines
