#pragma once
// A scheduler turns what the denoiser says at each timestep into the next latents. Its numbers
// equal the diffusers class that it is named after.
//
//     auto scheduler = makeScheduler("euler", config, {.steps = 20, .schedule = "karras"});
//     Tensor latents = linearCombination({{scheduler->initialNoiseSigma(), noise}});
//     for (int i = 0; i < scheduler->callCount(); ++i) {
//         const Tensor input = scheduler->scaleModelInput(latents, i);
//         const Tensor output = unet(input, scheduler->timestep(i), condition);
//         latents = scheduler->step(output, i, latents, noise);
//     }
//
// A run from a picture begins later, at a call that is a multiple of callsPerStep(), with
// addNoise(picture, noise, call) in place of the start noise.
//
// Latents and output are [N,H,W,C] f32, reckoned with in f32 or better. For one run, on one thread.

#include "kernels/tensor/tensor.h"
#include "pipelines/noise/noise_generator.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// Whose tables align_your_steps follows.
enum class ModelFamily { StableDiffusion, StableDiffusionXl };

struct SchedulerOptions {
    int steps = 20;
    std::string schedule = "normal"; // "normal": what the model's config says
    double eta = 0;                  // share of fresh noise, 0 to 1; DDIM and TCD only
    // How errors name the file that the config comes from.
    std::string configLabel = "scheduler/scheduler_config.json";
    ModelFamily family = ModelFamily::StableDiffusion;
};

// Latents at some call: picture * x0 + noise * unit noise.
struct NoiseMix {
    double picture, noise;
};

// What a scheduler carries from one step to the next besides the latents: with it, and the state of
// the noise, an interrupted run goes on as if nothing had happened.
struct SchedulerMemory {
    std::vector<kernels::Tensor> tensors; // earlier predictions and the like, in the class's order;
                                          // those not there yet are empty
    int64_t stepsTaken = 0;               // calls of this run: it may have begun at a later one
};

class SchedulerConfig;

class Scheduler {
  public:
    virtual ~Scheduler() = default;

    // How many times the denoiser is called: the steps, more for second-order samplers.
    int callCount() const { return static_cast<int>(m_timesteps.size()); }
    // What the denoiser is told at call i; may be fractional.
    double timestep(int call) const { return m_timesteps.at(static_cast<size_t>(call)); }
    // Leaving out n steps at the start leaves out n * callsPerStep() calls.
    virtual int callsPerStep() const { return 1; }
    // The start noise (unit variance) is multiplied by this.
    virtual double initialNoiseSigma() const { return 1; }
    virtual kernels::Tensor scaleModelInput(const kernels::Tensor& latents, int) const {
        return latents;
    }
    // From the latents before call i to those after it. Draws from noise only where the sampler is
    // stochastic, in the reference's order. Calls follow each other; the first is any multiple of
    // callsPerStep().
    kernels::Tensor step(const kernels::Tensor& modelOutput, int call,
                         const kernels::Tensor& latents, BatchNoise& noise);
    // How much of picture and noise the latents before call i hold: 0 <= i < callCount().
    virtual NoiseMix noiseMix(int call) const = 0;
    // The latents before call i of a run that ends at `original`. noise: unit variance.
    kernels::Tensor addNoise(const kernels::Tensor& original, const kernels::Tensor& noise,
                             int call) const;
    // All that step() changes, m_denoised aside. restore() takes what memory() of a scheduler made
    // with the same arguments gave. Throws Error{InvalidArgument} for that of another sampler.
    const SchedulerMemory& memory() const { return m_memory; }
    void restore(SchedulerMemory memory);
    // The picture that the last step() expects at the end (x0), for previews. Undefined before it.
    const kernels::Tensor& denoised() const { return m_denoised; }

  protected:
    // step(), but for counting it.
    virtual kernels::Tensor advance(const kernels::Tensor& modelOutput, int call,
                                    const kernels::Tensor& latents, BatchNoise& noise) = 0;
    // Fresh unit noise of the latents' shape.
    static kernels::Tensor draw(BatchNoise& noise, const kernels::Tensor& latents);

    std::vector<double> m_timesteps; // of each call
    // A member that step() changes lives here and nowhere else: a copy of it is kept after each
    // step.
    SchedulerMemory m_memory;
    kernels::Tensor m_denoised; // each step() leaves its x0 estimate here
};

// One row for each sampler: its file adds one line to the table in scheduler_registry.cpp. Where
// two samplers are one class, findSchedulerByClass gives the first.
struct SchedulerInfo {
    std::string_view name;                   // "dpmpp_2m"
    std::string_view label;                  // "DPM++ 2M"
    std::string_view className;              // "DPMSolverMultistepScheduler"
    std::vector<std::string_view> schedules; // that it can follow; "normal" first
    std::unique_ptr<Scheduler> (*make)(const SchedulerConfig& config, const SchedulerOptions&);
};

std::span<const SchedulerInfo> schedulers();
// nullptr where there is none. className as in scheduler_config.json's _class_name.
const SchedulerInfo* findScheduler(std::string_view name);
const SchedulerInfo* findSchedulerByClass(std::string_view className);

// config: the model's scheduler_config.json; keys it lacks take the defaults of the class that is
// made, not of the class named in it. Throws Error{InvalidArgument} for an unknown sampler or a
// pair that does not exist (the message lists the valid ones), Error{Unsupported} naming a config
// key whose value is unknown.
std::unique_ptr<Scheduler> makeScheduler(std::string_view name, const nlohmann::json& config,
                                         const SchedulerOptions& options);

} // namespace kinora::pipelines
