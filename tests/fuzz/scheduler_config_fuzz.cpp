// scheduler/scheduler_config.json, taken by every sampler with every schedule that it follows.

#include "pipelines/schedulers/scheduler.h"
#include "tests/fuzz/fuzz_model.h"

#include <cmath>

using namespace kinora;

namespace {

void runSteps(pipelines::Scheduler& scheduler, kernels::Device& device) {
    pipelines::BatchNoise noise("torch-cpu", 1, 1);
    kernels::Tensor latents = noise.draw(device, 2, 3, 4);
    fuzz::require(!std::isnan(scheduler.initialNoiseSigma()), "the start noise has a scale");
    for (int call = 0; call < scheduler.callCount(); ++call) {
        fuzz::require(std::isfinite(scheduler.timestep(call)), "timesteps are finite");
        auto input = scheduler.scaleModelInput(latents, call);
        latents = scheduler.step(input, call, latents, noise);
    }
    fuzz::require(latents.shape() == kernels::Shape({1, 2, 3, 4}), "latents keep their shape");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const int steps = 1 + static_cast<int>(size % 7); // from the input, so that it comes again
    fuzz::runConfig(data, size, [steps](const auto& json, auto& device, const auto&) {
        for (const pipelines::SchedulerInfo& info : pipelines::schedulers()) {
            for (std::string_view schedule : info.schedules) {
                fuzz::errorsAreAnswers([&] {
                    auto scheduler = pipelines::makeScheduler(
                        info.name, json, {.steps = steps, .schedule = std::string(schedule)});
                    runSteps(*scheduler, device);
                });
            }
        }
    });
    return 0;
}
