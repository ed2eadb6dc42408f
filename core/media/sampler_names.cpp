#include "core/media/sampler_names.h"

#include "core/media/text_encoding.h"
#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"
#include "pipelines/schedulers/scheduler.h"

#include <algorithm>
#include <span>

namespace kinora::core {

namespace {

struct Pair {
    std::string_view ours;
    std::string_view theirs;
};

// Where one of ours has several names there, the first is the one that we write.
constexpr Pair kWebUiSamplers[] = {
    {"ddim", "DDIM"},
    {"ddpm", "DDPM"},
    {"pndm", "PLMS"},
    {"lms", "LMS"},
    {"euler", "Euler"},
    {"euler_a", "Euler a"},
    {"heun", "Heun"},
    {"dpm2", "DPM2"},
    {"dpm2_a", "DPM2 a"},
    {"dpmpp_2m", "DPM++ 2M"},
    {"dpmpp_2m_sde", "DPM++ 2M SDE"},
    {"dpmpp_2s", "DPM++ 2S"},
    {"deis", "DEIS"},
    {"unipc", "UniPC"},
    {"lcm", "LCM"},
    {"tcd", "TCD"},
};
constexpr Pair kWebUiSchedules[] = {
    {"normal", "Uniform"},          {"normal", "Normal"},
    {"normal", "Automatic"},        {"normal", "DDIM"},
    {"karras", "Karras"},           {"exponential", "Exponential"},
    {"sgm_uniform", "SGM Uniform"}, {"align_your_steps", "Align Your Steps"},
    {"simple", "Simple"},           {"beta", "Beta"},
};
constexpr Pair kComfyUiSamplers[] = {
    {"ddim", "ddim"},
    {"ddpm", "ddpm"},
    {"lms", "lms"},
    {"euler", "euler"},
    {"euler_a", "euler_ancestral"},
    {"heun", "heun"},
    {"dpm2", "dpm_2"},
    {"dpm2_a", "dpm_2_ancestral"},
    {"dpmpp_2m", "dpmpp_2m"},
    {"dpmpp_2m_sde", "dpmpp_2m_sde"},
    {"dpmpp_2m_sde", "dpmpp_2m_sde_gpu"},
    {"deis", "deis"},
    {"unipc", "uni_pc"},
    {"unipc", "uni_pc_bh2"},
    {"lcm", "lcm"},
};
constexpr Pair kComfyUiSchedules[] = {
    {"normal", "normal"},
    {"karras", "karras"},
    {"exponential", "exponential"},
    {"sgm_uniform", "sgm_uniform"},
    {"simple", "simple"},
    {"normal", "ddim_uniform"},
    {"beta", "beta"},
};
constexpr Pair kInvokeAiSamplers[] = {
    {"ddim", "ddim"},         {"ddpm", "ddpm"},
    {"pndm", "pndm"},         {"pndm", "plms"},
    {"lms", "lms"},           {"euler", "euler"},
    {"euler_a", "euler_a"},   {"heun", "heun"},
    {"dpm2", "kdpm_2"},       {"dpm2", "dpm_2"},
    {"dpm2_a", "kdpm_2_a"},   {"dpm2_a", "dpm_2_a"},
    {"dpmpp_2s", "dpmpp_2s"}, {"dpmpp_2s", "dpmpp_2"},
    {"dpmpp_2m", "dpmpp_2m"}, {"dpmpp_2m_sde", "dpmpp_2m_sde"},
    {"deis", "deis"},         {"unipc", "unipc"},
    {"lcm", "lcm"},           {"tcd", "tcd"},
};

bool sameWithoutCase(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> ours(std::span<const Pair> table, std::string_view theirs) {
    const auto found = std::ranges::find_if(
        table, [&](const Pair& pair) { return sameWithoutCase(pair.theirs, theirs); });
    if (found == table.end()) return std::nullopt;
    return std::string(found->ours);
}

std::string theirs(std::span<const Pair> table, std::string_view ours) {
    const auto found =
        std::ranges::find_if(table, [&](const Pair& pair) { return pair.ours == ours; });
    return std::string(found == table.end() ? ours : found->theirs);
}

} // namespace

std::string samplerTitle(std::string_view sampler) {
    const pipelines::SchedulerInfo* const info = pipelines::findScheduler(sampler);
    return std::string(info ? info->label : sampler);
}

std::string webUiSampler(std::string_view sampler) {
    return theirs(kWebUiSamplers, sampler);
}

std::string webUiSchedule(std::string_view schedule) {
    return theirs(kWebUiSchedules, schedule);
}

std::optional<SamplerAndSchedule> samplerFromWebUi(std::string_view name) {
    if (std::optional<std::string> sampler = ours(kWebUiSamplers, name)) {
        return SamplerAndSchedule{*sampler, {}};
    }
    // "DPM++ 2M SGM Uniform": the schedule may be of several words.
    for (size_t space = name.rfind(' '); space != std::string_view::npos && space > 0;
         space = name.rfind(' ', space - 1)) {
        const std::optional<std::string> sampler = ours(kWebUiSamplers, name.substr(0, space));
        const std::optional<std::string> schedule = ours(kWebUiSchedules, name.substr(space + 1));
        if (sampler && schedule) return SamplerAndSchedule{*sampler, *schedule};
    }
    return std::nullopt;
}

std::optional<std::string> scheduleFromWebUi(std::string_view name) {
    return ours(kWebUiSchedules, name);
}

std::optional<std::string> samplerFromComfyUi(std::string_view name) {
    return ours(kComfyUiSamplers, name);
}

std::optional<std::string> scheduleFromComfyUi(std::string_view name) {
    return ours(kComfyUiSchedules, name);
}

std::optional<SamplerAndSchedule> samplerFromInvokeAi(std::string_view name) {
    if (name.starts_with("k_")) name.remove_prefix(2);
    if (std::optional<std::string> sampler = ours(kInvokeAiSamplers, name)) {
        return SamplerAndSchedule{*sampler, {}};
    }
    if (!name.ends_with("_k")) return std::nullopt;
    name.remove_suffix(2);
    const std::optional<std::string> sampler = ours(kInvokeAiSamplers, name);
    if (!sampler) return std::nullopt;
    return SamplerAndSchedule{*sampler, "karras"};
}

std::optional<SamplerAndSchedule> samplerAsSaid(std::string_view name) {
    if (pipelines::findScheduler(name)) return SamplerAndSchedule{std::string(name), {}};
    if (auto known = samplerFromWebUi(name)) return known;
    if (const auto known = samplerFromComfyUi(name)) return SamplerAndSchedule{*known, {}};
    return samplerFromInvokeAi(name);
}

std::optional<std::string> scheduleAsSaid(std::string_view name) {
    const pipelines::Parameter& schedule = *pipelines::findImageParameter("schedule");
    if (std::ranges::find(schedule.choices, name) != schedule.choices.end())
        return std::string(name);
    if (auto known = scheduleFromWebUi(name)) return known;
    return scheduleFromComfyUi(name);
}

void useOwnSamplerNames(std::vector<std::pair<std::string, std::string>>& values) {
    std::string sampler, implied;
    for (auto& [name, text] : values) {
        if (name != "sampler") continue;
        const std::optional<SamplerAndSchedule> known = samplerAsSaid(text);
        sampler = known ? text : std::string();
        implied = known ? known->schedule : std::string();
        if (known) text = known->sampler;
    }
    bool isSaid = false;
    for (auto& [name, text] : values) {
        if (name != "schedule") continue;
        isSaid = true;
        if (const std::optional<std::string> known = scheduleAsSaid(text)) text = *known;
        if (!implied.empty() && text != implied)
            throw Error(ErrorCode::InvalidArgument,
                        "The sampler '" + sampler + "' is with the schedule " + implied +
                            ", and the schedule is given as '" + repairedUtf8(text.substr(0, 80)) +
                            "'.",
                        "Leave out one of them.");
    }
    if (!implied.empty() && !isSaid) values.emplace_back("schedule", implied);
}

} // namespace kinora::core
