#include "pipelines/weights/safetensors_header.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;

constexpr const char* kFetchAgain = "The file is damaged; fetch it again.";

[[noreturn]] void fail(const std::string& label, const std::string& what,
                       const char* advice = kFetchAgain) {
    throw Error(ErrorCode::BadFile, label + ": " + what, advice);
}

std::string inQuotes(std::string_view name) {
    return brief(nlohmann::json(name));
}

std::optional<DType> dtypeNamed(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, DType>, 12> kNames{{
        {"F32", DType::F32},
        {"F16", DType::F16},
        {"BF16", DType::BF16},
        {"F64", DType::F64},
        {"F8_E4M3", DType::F8E4M3},
        {"F8_E5M2", DType::F8E5M2},
        {"I64", DType::I64},
        {"I32", DType::I32},
        {"I16", DType::I16},
        {"I8", DType::I8},
        {"U8", DType::U8},
        {"BOOL", DType::Bool},
    }};
    for (const auto& [text, dtype] : kNames)
        if (text == name) return dtype;
    return std::nullopt;
}

// Of __metadata__. Trainers write the counts of all their tags into one.
constexpr size_t kLongestRemark = size_t{1} << 20, kMostRemarks = 1000;

// Takes the JSON as a stream of events: a header of 100 MB never becomes a tree of objects, and
// duplicate names, which a tree would hide, are seen.
class HeaderReader {
  public:
    explicit HeaderReader(const std::string& label) : m_label(label) {}

    std::vector<StoredTensor> take() { return std::move(m_tensors); }
    SafetensorsMetadata takeMetadata() { return std::move(m_metadata); }

    bool null() { return unexpected("null"); }
    bool boolean(bool) { return unexpected("true or false"); }
    bool number_integer(int64_t) { return unexpected("a negative number"); }
    bool number_float(double, const std::string&) { return unexpected("a fraction"); }
    bool binary(nlohmann::json::binary_t&) { return unexpected("bytes"); }

    bool number_unsigned(uint64_t value) {
        if (m_place == Place::Shape) {
            if (value > uint64_t{INT64_MAX}) fail(m_label, tensor() + "has an absurd shape.");
            m_shape.push_back(static_cast<int64_t>(value));
            if (m_shape.size() > kernels::kMaxRank)
                fail(m_label, tensor() + "has more than " + std::to_string(kernels::kMaxRank) +
                                  " dimensions.");
            return true;
        }
        if (m_place == Place::Offsets) {
            m_offsets.push_back(value);
            if (m_offsets.size() > 2) fail(m_label, tensor() + "has more than two data_offsets.");
            return true;
        }
        return unexpected("a number");
    }

    bool string(std::string& value) {
        if (m_place == Place::Metadata) {
            if (m_key.size() + value.size() <= kLongestRemark && m_metadata.size() < kMostRemarks)
                m_metadata.insert_or_assign(m_key, value);
            return true;
        }
        if (m_place != Place::Tensor || m_key != "dtype") return unexpected("a text");
        m_dtypeName = value;
        return true;
    }

    bool start_object(size_t) {
        switch (m_place) {
        case Place::Outside: m_place = Place::Top; return true;
        case Place::Top:
            m_place = m_name == "__metadata__" ? Place::Metadata : Place::Tensor;
            m_dtypeName.clear();
            m_shape.clear();
            m_offsets.clear();
            m_seenDtype = m_seenShape = m_seenOffsets = false;
            return true;
        default: return unexpected("an object");
        }
    }

    bool key(std::string& key) {
        if (m_place == Place::Top) {
            m_name = key;
            if (key == "__metadata__" && std::exchange(m_seenMetadata, true))
                fail(m_label, "names \"__metadata__\" twice.");
            return true;
        }
        if (m_place == Place::Metadata) {
            m_key = key;
            return true;
        }
        bool* seen = key == "dtype"          ? &m_seenDtype
                     : key == "shape"        ? &m_seenShape
                     : key == "data_offsets" ? &m_seenOffsets
                                             : nullptr;
        if (!seen) fail(m_label, tensor() + "has the unknown field " + inQuotes(key) + ".");
        if (std::exchange(*seen, true)) fail(m_label, tensor() + "has \"" + key + "\" twice.");
        m_key = key;
        return true;
    }

    bool end_object() {
        if (m_place == Place::Tensor) addTensor();
        m_place = m_place == Place::Top ? Place::Done : Place::Top;
        return true;
    }

    bool start_array(size_t) {
        if (m_place == Place::Tensor && m_key == "shape")
            m_place = Place::Shape;
        else if (m_place == Place::Tensor && m_key == "data_offsets")
            m_place = Place::Offsets;
        else
            return unexpected("a list");
        return true;
    }

    bool end_array() {
        m_place = Place::Tensor;
        return true;
    }

    bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) {
        fail(m_label,
             "the header is not valid JSON, at its byte " + std::to_string(position) + ".");
    }

  private:
    enum class Place { Outside, Top, Metadata, Tensor, Shape, Offsets, Done };

    std::string tensor() const { return "tensor " + inQuotes(m_name) + " "; }

    bool unexpected(const std::string& what) {
        if (m_place == Place::Outside) fail(m_label, "the header is not a JSON object.");
        if (m_place == Place::Metadata)
            fail(m_label, "\"__metadata__\" holds " + what + "; only texts are allowed.");
        if (m_place == Place::Top)
            fail(m_label, "the header's " + inQuotes(m_name) + " is " + what +
                              "; the description of a tensor was expected.");
        const std::string field = m_place == Place::Shape     ? "shape"
                                  : m_place == Place::Offsets ? "data_offsets"
                                                              : m_key;
        fail(m_label, tensor() + "has " + what + " in its \"" + field + "\".");
    }

    void addTensor() {
        const char* missing = !m_seenDtype     ? "dtype"
                              : !m_seenShape   ? "shape"
                              : !m_seenOffsets ? "data_offsets"
                                               : nullptr;
        if (missing) fail(m_label, tensor() + "has no \"" + missing + "\".");
        if (m_offsets.size() != 2) fail(m_label, tensor() + "needs two data_offsets.");
        const std::optional<DType> dtype = dtypeNamed(m_dtypeName);
        if (!dtype)
            throw Error(ErrorCode::Unsupported,
                        m_label + ": " + tensor() + "has the dtype " + inQuotes(m_dtypeName) +
                            ", which is not supported.",
                        "Use a version of the model in f32, f16, bf16 or fp8.");
        m_tensors.push_back({m_name, *dtype, checkedShape(*dtype), m_offsets[0], m_offsets[1]});
    }

    kernels::Shape checkedShape(DType dtype) const {
        if (m_offsets[0] > m_offsets[1])
            fail(m_label, tensor() + "ends at byte " + std::to_string(m_offsets[1]) +
                              ", before it begins at " + std::to_string(m_offsets[0]) + ".");
        uint64_t bytes = kernels::sizeBytes(dtype);
        for (const int64_t extent : m_shape)
            if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes) ||
                bytes > uint64_t{INT64_MAX})
                fail(m_label, tensor() + "is larger than any file: its shape overflows.");
        if (bytes != m_offsets[1] - m_offsets[0])
            fail(m_label, tensor() + "takes " + std::to_string(m_offsets[1] - m_offsets[0]) +
                              " bytes, its shape and dtype need " + std::to_string(bytes) + ".");
        return kernels::Shape(std::span<const int64_t>(m_shape));
    }

    const std::string& m_label;
    std::vector<StoredTensor> m_tensors;
    SafetensorsMetadata m_metadata;
    Place m_place = Place::Outside;
    std::string m_name, m_key, m_dtypeName;
    std::vector<int64_t> m_shape;
    std::vector<uint64_t> m_offsets;
    bool m_seenDtype = false, m_seenShape = false, m_seenOffsets = false, m_seenMetadata = false;
};

void checkNames(const std::vector<StoredTensor>& sorted, const std::string& label) {
    const auto twice =
        std::adjacent_find(sorted.begin(), sorted.end(),
                           [](const auto& a, const auto& b) { return a.name == b.name; });
    if (twice != sorted.end()) fail(label, "names tensor " + inQuotes(twice->name) + " twice.");
}

// The format has no gaps: the tensors cover the bytes after the header exactly once.
void checkCoverage(const std::vector<StoredTensor>& tensors, uint64_t dataBytes,
                   const std::string& label) {
    std::vector<const StoredTensor*> byPlace;
    byPlace.reserve(tensors.size());
    for (const StoredTensor& tensor : tensors) byPlace.push_back(&tensor);
    std::sort(byPlace.begin(), byPlace.end(), [](const auto* a, const auto* b) {
        return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    uint64_t covered = 0;
    const StoredTensor* previous = nullptr;
    for (const StoredTensor* tensor : byPlace) {
        if (tensor->begin < covered)
            fail(label, "tensors " + inQuotes(previous->name) + " and " + inQuotes(tensor->name) +
                            " overlap.");
        if (tensor->begin > covered)
            fail(label, std::to_string(tensor->begin - covered) + " bytes before tensor " +
                            inQuotes(tensor->name) + " belong to no tensor.");
        covered = tensor->end;
        previous = tensor;
    }
    if (covered > dataBytes)
        fail(label,
             "tensor " + inQuotes(previous->name) + " ends " + std::to_string(covered - dataBytes) +
                 " bytes past the end of the file: the download was cut short.",
             "Fetch the file again.");
    if (covered < dataBytes)
        fail(label, std::to_string(dataBytes - covered) +
                        " bytes at the end of the file belong to no tensor.");
}

} // namespace

std::vector<StoredTensor> parseSafetensorsHeader(std::string_view json, uint64_t dataBytes,
                                                 const std::string& label,
                                                 SafetensorsMetadata* metadata) {
    HeaderReader reader(label);
    nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
    std::vector<StoredTensor> tensors = reader.take();
    if (metadata) *metadata = reader.takeMetadata();
    std::sort(tensors.begin(), tensors.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    checkNames(tensors, label);
    checkCoverage(tensors, dataBytes, label);
    return tensors;
}

} // namespace kinora::pipelines
