#include "pipelines/upscale/upscaler_names.h"

#include "pipelines/upscale/upscaler_network.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

// What trainers wrap the tensors in; averages over the training come first.
constexpr std::array<std::string_view, 6> kWrappers = {
    "params_ema.", "params.", "model_state_dict.", "module.", "netG.", ""};

void replaceFirst(std::string& text, std::string_view from, std::string_view to) {
    const size_t at = text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
}

// ESRGAN of 2018's second half: the same network, other words.
std::string fromOlder(std::string name) {
    using Word = std::pair<std::string_view, std::string_view>;
    for (const auto& [from, to] :
         {Word{"RRDB_trunk.", "body."}, Word{".RDB", ".rdb"}, Word{"trunk_conv.", "conv_body."},
          Word{"upconv", "conv_up"}, Word{"HRconv.", "conv_hr."}})
        replaceFirst(name, from, to);
    return name;
}

// "7.weight" -> 7, "weight"; nullopt where it does not begin with a number and a point.
std::optional<std::pair<int, std::string_view>> numbered(std::string_view text) {
    int number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || number < 0 || rest == end || *rest != '.') return std::nullopt;
    return std::pair(number, std::string_view(rest + 1, end));
}

// The oldest layout is one list of layers, "model.0" the first. The trunk is "model.1.sub", whose
// last entry is a convolution; those of the tail are told apart by their order alone.
class Oldest {
  public:
    explicit Oldest(std::span<const std::string> stored) {
        for (const std::string& name : stored) {
            if (!name.starts_with(kStart)) continue;
            const auto place = numbered(std::string_view(name).substr(kStart.size()));
            if (place && place->first > 1 && place->second == "weight")
                m_tail.push_back(place->first);
        }
        std::ranges::sort(m_tail);
    }

    std::string basicName(const std::string& name) const {
        if (!name.starts_with(kStart)) return name;
        const auto place = numbered(std::string_view(name).substr(kStart.size()));
        if (!place) return name;
        const auto& [layer, rest] = *place;
        if (layer == 0) return "conv_first." + std::string(rest);
        return layer == 1 ? trunkName(rest) : tailName(layer, rest);
    }

  private:
    static constexpr std::string_view kStart = "model.";

    // "sub.3.RDB1.conv2.0.weight", "sub.23.weight"
    static std::string trunkName(std::string_view rest) {
        constexpr std::string_view kSub = "sub.";
        if (!rest.starts_with(kSub)) return std::string(rest);
        const auto block = numbered(rest.substr(kSub.size()));
        if (!block) return std::string(rest);
        if (block->second == "weight" || block->second == "bias")
            return "conv_body." + std::string(block->second);
        std::string name =
            "body." + std::to_string(block->first) + "." + std::string(block->second);
        replaceFirst(name, ".RDB", ".rdb");
        for (const char* ending : {".0.weight", ".0.bias"})
            if (name.ends_with(ending)) name.erase(name.rfind(".0."), 2);
        return name;
    }

    std::string tailName(int layer, std::string_view rest) const {
        const auto place = std::ranges::find(m_tail, layer) - m_tail.begin();
        const auto fromEnd = std::ssize(m_tail) - place;
        std::string name = fromEnd == 1   ? "conv_last"
                           : fromEnd == 2 ? "conv_hr"
                                          : "conv_up" + std::to_string(place + 1);
        return name + "." + std::string(rest);
    }

    std::vector<int> m_tail;
};

} // namespace

UpscalerNames upscalerNames(std::span<const std::string> stored) {
    for (const std::string_view wrapper : kWrappers) {
        std::vector<std::string> inner;
        for (const std::string& name : stored)
            if (name.starts_with(wrapper)) inner.push_back(name.substr(wrapper.size()));
        const Oldest oldest(inner);
        UpscalerNames names;
        for (const std::string& name : inner)
            names.emplace(oldest.basicName(fromOlder(name)), std::string(wrapper) + name);
        if (findUpscalerKind(names)) return names;
    }
    return {};
}

} // namespace kinora::pipelines
