// Linear multistep over sigma, of order four. Numbers as diffusers' LMSDiscreteScheduler, after
// k-diffusion's sample_lms.

#include "pipelines/schedulers/scheduler_list.h"
#include "pipelines/schedulers/sigma_scheduler.h"
#include "pipelines/schedulers/training_noise.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace kinora::pipelines {

namespace {

using kernels::Tensor;

constexpr int kOrder = 4;

class LmsScheduler final : public SigmaScheduler {
  public:
    LmsScheduler(const SchedulerConfig& config, const SchedulerOptions& options)
        : SigmaScheduler(config) {
        const SigmaTable table(
            trainingSigmas(config, cumulativeAlphas(config, {}, ZeroSnr::Unknown)));
        NoiseSteps steps = spacedSteps(config, table, options.steps);
        const std::string schedule = chosenSchedule(config, options.schedule);
        if (schedule == "karras") // this class does not ask for sigma_min and sigma_max here
            steps = makeNoiseSteps(schedule, table, {steps.sigmas.front(), steps.sigmas.back()},
                                   options.steps);
        else if (schedule != "normal")
            steps = scheduledSteps(config, table, steps, schedule, options.steps);
        takeSteps(config, steps, 0);
        m_memory.tensors.resize(kOrder); // derivatives, newest first
    }

  private:
    Tensor advance(const Tensor& modelOutput, int call, const Tensor& latents,
                   BatchNoise&) override {
        m_denoised = eulerOriginal(m_prediction, sigmaAt(call), latents, modelOutput);
        auto& derivatives = m_memory.tensors;
        std::shift_right(derivatives.begin(), derivatives.end(), 1);
        derivatives[0] = eulerDerivative(latents, m_denoised, sigmaAt(call));
        // After a late start the order is still the call's: derivatives that are not there are left
        // out of the sum, as in the reference.
        const int order = std::min(call + 1, kOrder);
        std::array<double, kOrder> weights{};
        for (int i = 0; i < order; ++i) weights[static_cast<size_t>(i)] = weight(call, order, i);
        return combine({{1, latents},
                        {weights[0], derivatives[0]},
                        {weights[1], derivatives[1]},
                        {weights[2], derivatives[2]},
                        {weights[3], derivatives[3]}});
    }

    // The integral, over this step, of the polynomial that is 1 at the level of derivative i and 0
    // at the others'. Two points of Gauss and Legendre are exact up to its third degree.
    double weight(int call, int order, int i) const {
        const double from = sigmaAt(call), to = sigmaAt(call + 1);
        const double middle = (from + to) / 2, half = (to - from) / 2;
        double sum = 0;
        for (double point : {middle - half / std::sqrt(3.0), middle + half / std::sqrt(3.0)}) {
            double product = 1;
            for (int k = 0; k < order; ++k)
                if (k != i)
                    product *= (point - sigmaAt(call - k)) /
                               (double{sigmaAt(call - i)} - sigmaAt(call - k));
            sum += product;
        }
        return sum * half;
    }
};

} // namespace

SchedulerInfo lmsScheduler() {
    return {"lms", "LMS", "LMSDiscreteScheduler", allSchedules(), makeMember<LmsScheduler>};
}

} // namespace kinora::pipelines
