#include "pipelines/weights/ip_adapter_file.h"

#include "kernels/base/error.h"
#include "pipelines/weights/convert.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostAttentions = 1000;

// Of the adapter's attention `index`: attentions to the picture itself are numbered too.
std::string storedName(int64_t index, const char* what) {
    return "ip_adapter." + std::to_string(2 * index + 1) + "." + what + ".weight";
}

// Down, up and middle, then by the numbers in the name.
std::tuple<int, std::vector<int>, std::string> orderOf(const std::string& name) {
    const int part = name.starts_with("down_blocks.") ? 0 : name.starts_with("up_blocks.") ? 1 : 2;
    std::vector<int> numbers;
    for (size_t at = 0; at < name.size();) {
        int number = 0;
        const char* end = name.data() + name.size();
        const auto [rest, error] = std::from_chars(name.data() + at, end, number);
        const bool afterPoint = at > 0 && name[at - 1] == '.';
        if (error == std::errc() && afterPoint) numbers.push_back(number);
        at = error == std::errc() ? static_cast<size_t>(rest - name.data()) : at + 1;
    }
    return {part, numbers, name};
}

} // namespace

IpAdapterFile::IpAdapterFile(const std::filesystem::path& path)
    : IpAdapterFile(path, openWeightFile(path, path.filename().string())) {}

IpAdapterFile::IpAdapterFile(const std::filesystem::path& path,
                             std::shared_ptr<const WeightSource> opened)
    : m_path(path), m_file(std::move(opened)) {
    const auto has = [this](const char* name) { return m_file->find(name, {}).has_value(); };
    const auto refuse = [this](const std::string& why) {
        throw Error(ErrorCode::Unsupported, label() + ": " + why + ".",
                    "Adapters that need CLIP's picture encoder alone can be used: base, plus and "
                    "full face.");
    };
    const std::vector<std::string> names = m_file->names();
    const bool isFaceId = std::ranges::any_of(
        names, [](const std::string& name) { return name.find("to_q_lora") != name.npos; });
    if (isFaceId || has("image_proj.perceiver_resampler.proj_in.weight"))
        refuse("it is a FaceID adapter, which wants a face recogniser");
    if (!has(storedName(0, "to_k_ip").c_str())) {
        const std::string_view kind = fileKindOf(names);
        refuse("is no IP-Adapter" + (kind.empty() ? "" : ", but " + std::string(kind)) +
               "; its first tensor is " + briefName(names.empty() ? std::string() : names.front()));
    }
    if (has("image_proj.latents")) {
        m_kind = IpAdapterKind::Resampled;
        m_pictureWidth = extent("image_proj.proj_in.weight", 1);
        m_tokenWidth = extent("image_proj.norm_out.weight", 0);
    } else if (has("image_proj.proj.3.weight")) {
        m_kind = IpAdapterKind::Full;
        m_pictureWidth = extent("image_proj.proj.0.weight", 1);
        m_tokenWidth = extent("image_proj.proj.3.weight", 0);
    } else if (has("image_proj.proj.weight")) {
        m_pictureWidth = extent("image_proj.proj.weight", 1);
        m_tokenWidth = extent("image_proj.norm.weight", 0);
    } else {
        refuse("it makes tokens of pictures in a way that is not known here");
    }
    while (m_attentions < kMostAttentions && has(storedName(m_attentions, "to_k_ip").c_str()))
        ++m_attentions;
}

int64_t IpAdapterFile::extent(const std::string& name, int axis) const {
    const auto found = m_file->find(name, {});
    if (!found || found->shape.rank() <= axis || found->shape[axis] < 1)
        throw Error(ErrorCode::BadFile,
                    label() + ": " + briefName(name) + " is missing or has no such size.",
                    "Fetch the file again.");
    return found->shape[axis];
}

std::vector<std::string> crossAttentions(const WeightSource& denoiser) {
    constexpr std::string_view kEnding = ".attn2.to_k.weight", kKey = ".to_k.weight";
    std::vector<std::string> found;
    for (const std::string& name : denoiser.names())
        if (name.ends_with(kEnding)) found.push_back(name.substr(0, name.size() - kKey.size()));
    std::ranges::sort(found, {}, orderOf);
    return found;
}

IpAdapterWeights::IpAdapterWeights(std::unique_ptr<WeightSource> denoiser, Files files)
    : m_denoiser(std::move(denoiser)), m_files(std::move(files)) {
    const std::vector<std::string> attentions = crossAttentions(*m_denoiser);
    for (size_t i = 0; i < m_files.size(); ++i) {
        const IpAdapterFile& file = *m_files[i];
        if (file.attentions() != std::ssize(attentions))
            throw Error(ErrorCode::Unsupported,
                        file.label() + ": was made for a denoiser of " +
                            std::to_string(file.attentions()) + " cross-attentions; this one has " +
                            std::to_string(attentions.size()) + ".",
                        "Use it with a model of the kind that it was made for.");
        for (size_t at = 0; at < attentions.size(); ++at)
            for (const char* what : {"to_k_ip", "to_v_ip"})
                m_places[attentions[at] + ".processor." + what + "." + std::to_string(i) +
                         ".weight"] = {i, storedName(static_cast<int64_t>(at), what)};
    }
}

std::optional<TensorInfo> IpAdapterWeights::find(std::string_view name,
                                                 const kernels::Shape& expected) const {
    const auto place = m_places.find(name);
    if (place == m_places.end()) return m_denoiser->find(name, expected);
    const WeightSource& file = m_files[place->second.file]->weights();
    std::optional<TensorInfo> info = file.find(place->second.stored, expected);
    if (!info) return info;
    // Told here, where the file is known: whoever asks takes it for the denoiser's.
    const auto refuse = [&](ErrorCode code, const std::string& what) {
        throw Error(code, file.label() + ": " + briefName(place->second.stored) + what,
                    "The file is damaged, or for another kind of model; get it again.");
    };
    if (expected.rank() > 0 && info->shape != expected)
        refuse(ErrorCode::BadFile, " has the shape " + toString(info->shape) +
                                       "; this model takes " + toString(expected) + ".");
    if (!isFloatingPoint(info->dtype))
        refuse(ErrorCode::Unsupported, " holds " + std::string(kernels::dtypeName(info->dtype)) +
                                           "; f32, f16 or bf16 is expected.");
    return info;
}

std::vector<std::string> IpAdapterWeights::names() const {
    std::vector<std::string> names = m_denoiser->names();
    for (const auto& [name, place] : m_places) names.push_back(name);
    std::ranges::sort(names);
    return names;
}

void IpAdapterWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    const auto place = m_places.find(name);
    if (place == m_places.end()) return m_denoiser->read(name, first, values);
    m_files[place->second.file]->weights().read(place->second.stored, first, values);
}

} // namespace kinora::pipelines
