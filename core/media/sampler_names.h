#pragma once
// What people and other programs call our samplers and schedules. Names without an equal here give
// nothing.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinora::core {

// "dpmpp_2m_sde" -> "DPM++ 2M SDE", as our own window writes it; what is no sampler stays as it is.
std::string samplerTitle(std::string_view sampler);

struct SamplerAndSchedule {
    std::string sampler;  // as a request says it: "dpmpp_2m"
    std::string schedule; // "karras"; empty: not said
};

// "dpmpp_2m" -> "DPM++ 2M", "karras" -> "Karras"; a name they do not have stays as it is.
std::string webUiSampler(std::string_view sampler);
std::string webUiSchedule(std::string_view schedule);

// The old style too, which joins both: "DPM++ 2M Karras".
std::optional<SamplerAndSchedule> samplerFromWebUi(std::string_view name);
std::optional<std::string> scheduleFromWebUi(std::string_view name);

// KSampler's sampler_name and scheduler.
std::optional<std::string> samplerFromComfyUi(std::string_view name);
std::optional<std::string> scheduleFromComfyUi(std::string_view name);

// "dpmpp_2m_k", and "k_dpmpp_2m" of the first versions; _k stands for Karras.
std::optional<SamplerAndSchedule> samplerFromInvokeAi(std::string_view name);

// As any of these programs calls it, or as we do.
std::optional<SamplerAndSchedule> samplerAsSaid(std::string_view name);
std::optional<std::string> scheduleAsSaid(std::string_view name);

// values: texts as people give them, by the name of the parameter. The sampler and the schedule
// among them get our own names; "DPM++ 2M Karras" becomes both. What nobody knows stays, for who
// reads it to refuse. Throws Error{InvalidArgument} where the schedule is said besides and is
// another one.
void useOwnSamplerNames(std::vector<std::pair<std::string, std::string>>& values);

} // namespace kinora::core
