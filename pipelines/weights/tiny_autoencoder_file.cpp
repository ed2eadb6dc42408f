#include "pipelines/weights/tiny_autoencoder_file.h"

#include "kernels/base/error.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

namespace kinora::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostLayers = 256;

std::string labelOf(const fs::path& file) {
    return file.filename().string();
}

// One half's layers, by diffusers' numbers.
class Layers {
  public:
    Layers(const WeightSource& source, std::string prefix, int64_t offset)
        : m_source(source), m_prefix(std::move(prefix)), m_offset(offset) {}

    // Output and input channels of a convolution there; nullopt where there is none.
    std::optional<std::pair<int64_t, int64_t>> convolution(int64_t layer) const {
        return shapeOf(layer, ".weight");
    }
    bool isBlock(int64_t layer) const { return shapeOf(layer, ".conv.0.weight").has_value(); }
    bool isAnything(int64_t layer) const { return isBlock(layer) || convolution(layer); }

  private:
    std::optional<std::pair<int64_t, int64_t>> shapeOf(int64_t layer, const char* ending) const {
        const auto info = m_source.find(m_prefix + std::to_string(layer + m_offset) + ending, {});
        if (!info || info->shape.rank() != 4 || info->shape[2] != 3 || info->shape[3] != 3)
            return std::nullopt;
        return std::pair(info->shape[0], info->shape[1]);
    }

    const WeightSource& m_source;
    std::string m_prefix;
    int64_t m_offset;
};

struct Shape {
    int64_t in, out, channels;
    std::vector<int64_t> blocks; // of each level
};

[[noreturn]] void throwUnknown(const WeightSource& source) {
    throw Error(ErrorCode::Unsupported,
                source.label() + ": is a small autoencoder of a layout that is not known.",
                "TAESD's for Stable Diffusion and SDXL can be used.");
}

// Levels of blocks; between two of them a convolution, which the decoder has behind an upsampling
// without weights; at the end one more.
Shape shapeOf(const Layers& layers, bool isDecoder, const WeightSource& source) {
    const auto first = layers.convolution(0);
    Shape shape{first->second, 0, first->first, {0}};
    for (int64_t at = isDecoder ? 2 : 1; at < kMostLayers;) {
        if (layers.isBlock(at)) {
            ++shape.blocks.back();
            ++at;
            continue;
        }
        const auto here = layers.convolution(at);
        const bool isLast = here && !layers.isAnything(at + 1) && !layers.isAnything(at + 2);
        if (isLast) {
            shape.out = here->first;
            return shape;
        }
        if (isDecoder ? !layers.convolution(at + 1) : !here) break;
        shape.blocks.push_back(0);
        at += isDecoder ? 2 : 1;
    }
    throwUnknown(source);
}

// What a layer of the kind that is known may be called behind its number.
bool isKnownEnding(std::string_view rest) {
    constexpr std::string_view kKnown[] = {".weight",        ".bias",          ".conv.0.weight",
                                           ".conv.0.bias",   ".conv.2.weight", ".conv.2.bias",
                                           ".conv.4.weight", ".conv.4.bias",   ".skip.weight"};
    return std::ranges::find(kKnown, rest) != std::end(kKnown);
}

// Of that half, under the first of the prefixes that the file has.
template <typename Half>
std::optional<Half> findHalf(const WeightSource& source, size_t file,
                             std::initializer_list<std::pair<const char*, int64_t>> places) {
    for (const auto& [prefix, offset] : places)
        if (Layers(source, prefix, offset).convolution(0)) return Half{file, prefix, offset};
    return std::nullopt;
}

// The number of the layer that the name is of and what follows it; nullopt for other names.
std::optional<std::pair<int64_t, std::string_view>> layerOf(std::string_view name,
                                                            std::string_view prefix) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    const char* end = name.data() + name.size();
    int64_t layer = 0;
    const auto [rest, error] = std::from_chars(name.data(), end, layer);
    if (error != std::errc() || rest == end || *rest != '.') return std::nullopt;
    return std::pair(layer, std::string_view(rest, end));
}

// Throws where layers have parts that are not known: what they do would be left out.
void checkLayers(const WeightSource& source, std::string_view prefix) {
    for (const std::string& name : source.names())
        if (const auto layer = layerOf(name, prefix); layer && !isKnownEnding(layer->second))
            throwUnknown(source);
}

// Several files' tensors under other names.
class NamedParts final : public WeightSource {
  public:
    struct Part {
        const WeightSource* source;
        TensorInfo stored;
    };
    NamedParts(std::vector<std::unique_ptr<WeightSource>> sources,
               std::map<std::string, Part, std::less<>> parts)
        : m_sources(std::move(sources)), m_parts(std::move(parts)) {}

    const std::string& label() const override { return m_sources.front()->label(); }
    std::optional<TensorInfo> find(std::string_view name, const kernels::Shape&) const override {
        const auto found = m_parts.find(name);
        if (found == m_parts.end()) return std::nullopt;
        return TensorInfo{std::string(name), found->second.stored.dtype,
                          found->second.stored.shape};
    }
    std::vector<std::string> names() const override {
        std::vector<std::string> names;
        for (const auto& [name, part] : m_parts) names.push_back(name);
        return names;
    }
    int64_t totalBytes() const override {
        int64_t total = 0;
        for (const auto& source : m_sources) total += source->totalBytes();
        return total;
    }
    void read(std::string_view name, int64_t first, std::span<float> values) const override {
        const Part& part = m_parts.find(name)->second;
        part.source->read(part.stored.name, first, values);
    }

  private:
    std::vector<std::unique_ptr<WeightSource>> m_sources;
    std::map<std::string, Part, std::less<>> m_parts;
};

fs::path encoderBeside(const fs::path& decoder) {
    std::string name = decoder.filename().string();
    const size_t at = name.find("decoder");
    if (at == std::string::npos) return {};
    const fs::path encoder = decoder.parent_path() / name.replace(at, 7, "encoder");
    std::error_code ignored;
    return fs::is_regular_file(encoder, ignored) ? encoder : fs::path();
}

} // namespace

std::optional<TinyAutoencoderFile> TinyAutoencoderFile::find(const fs::path& file) {
    return find(file, *openWeightFile(file, labelOf(file)));
}

std::optional<TinyAutoencoderFile> TinyAutoencoderFile::find(const fs::path& file,
                                                             const WeightSource& opened) {
    TinyAutoencoderFile found;
    found.m_files = {file};
    found.m_decoder = findHalf<Half>(
        opened, 0, {{"decoder.layers.", 0}, {"taesd_decoder.", 1}, {"decoder.", 1}, {"", 1}});
    const auto encoderPlaces = {
        std::pair{"encoder.layers.", int64_t{0}}, {"taesd_encoder.", 0}, {"encoder.", 0}, {"", 0}};
    found.m_encoder = findHalf<Half>(opened, 0, encoderPlaces);
    if (!found.m_decoder) {
        if (!found.m_encoder || !Layers(opened, found.m_encoder->prefix, 0).isBlock(1))
            return std::nullopt;
        throw Error(ErrorCode::Unsupported,
                    opened.label() + ": is the encoder of a small autoencoder alone.",
                    "Name the decoder; an encoder that lies beside it is found.");
    }
    const Layers decoder(opened, found.m_decoder->prefix, found.m_decoder->offset);
    const bool isSurelyOne = found.m_decoder->prefix == "decoder.layers.";
    if (!isSurelyOne && !decoder.isBlock(2)) return std::nullopt; // other networks count layers too
    checkLayers(opened, found.m_decoder->prefix);
    if (const fs::path beside = encoderBeside(file); !found.m_encoder && !beside.empty()) {
        found.m_encoder =
            findHalf<Half>(*openWeightFile(beside, labelOf(beside)), 1, encoderPlaces);
        if (found.m_encoder) found.m_files.push_back(beside);
    }
    const Shape down = shapeOf(decoder, true, opened);
    Shape up = {down.out, down.in, down.channels, down.blocks}; // where there is no encoder
    if (found.m_encoder) {
        const fs::path& from = found.m_files[found.m_encoder->file];
        const auto other = openWeightFile(from, labelOf(from));
        checkLayers(*other, found.m_encoder->prefix);
        up = shapeOf(Layers(*other, found.m_encoder->prefix, 0), false, *other);
    }
    const auto levels = [](const Shape& shape) {
        return std::vector<int64_t>(shape.blocks.size(), shape.channels);
    };
    found.m_config = std::make_shared<const nlohmann::json>(
        nlohmann::json{{"_class_name", "AutoencoderTiny"},
                       {"in_channels", up.in},
                       {"out_channels", down.out},
                       {"latent_channels", down.in},
                       {"encoder_block_out_channels", levels(up)},
                       {"decoder_block_out_channels", levels(down)},
                       {"num_encoder_blocks", up.blocks},
                       {"num_decoder_blocks", down.blocks}});
    return found;
}

std::unique_ptr<WeightSource> TinyAutoencoderFile::weights() const {
    std::vector<std::unique_ptr<WeightSource>> sources;
    for (const fs::path& file : m_files) sources.push_back(openWeightFile(file, labelOf(file)));
    std::map<std::string, NamedParts::Part, std::less<>> parts;
    const auto add = [&](const Half& half, const std::string& own) {
        const WeightSource& source = *sources[half.file];
        for (const std::string& stored : source.names()) {
            const auto layer = layerOf(stored, half.prefix);
            if (!layer || layer->first < half.offset) continue;
            if (auto info = source.find(stored, {}))
                parts[own + std::to_string(layer->first - half.offset) +
                      std::string(layer->second)] = {&source, *std::move(info)};
        }
    };
    add(*m_decoder, "decoder.layers.");
    if (m_encoder) add(*m_encoder, "encoder.layers.");
    return std::make_unique<NamedParts>(std::move(sources), std::move(parts));
}

} // namespace kinora::pipelines
