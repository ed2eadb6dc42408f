#pragma once
// How far a run is. With it, the same request and the same model, an interrupted run goes on to
// the same bytes. Host values throughout: it is kept where no device can lose it.
//
//     events.state = [&](RunMoment, const auto& state) { kept = state(); };
//     pipeline.run(request, events);                       // interrupted
//     pipeline.run(request, events, &kept);                // goes on

#include "kernels/backend/device.h"
#include "kernels/tensor/shape.h"
#include "pipelines/image/host_tensor.h"
#include "pipelines/noise/noise_generator.h"
#include "pipelines/schedulers/scheduler.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kinora::pipelines {

struct RunState {
    int64_t first = 0;    // picture of the batch; those before it were handed out
    int64_t pictures = 1; // in this batch
    int64_t calls = 0;    // of the scheduler that are done; all of them: only decoding is left
    HostTensor latents;   // [pictures,h,w,C]
    std::vector<HostTensor> history; // SchedulerMemory::tensors
    int64_t stepsTaken = 0;          // SchedulerMemory::stepsTaken
    std::vector<NoiseState> noise;   // one for each picture
    HostTensor finalLatents;         // [first,C,h,w] of the batches before, where they are saved

    friend bool operator==(const RunState&, const RunState&) = default;
};

// When a run offers its state.
enum class RunMoment {
    Step,           // after a step
    BeforeDecoding, // after the last one
    BatchBegins,    // a later batch: the pictures before it were handed out
};

// What the scheduler remembers, and back into one made with the same arguments.
std::vector<HostTensor> historyOf(const Scheduler& scheduler);
void restoreHistory(const RunState& state, Scheduler& scheduler, kernels::Device& device);

// Throws Error{BadFile}, which says what does not fit, unless a batch whose latents have that shape
// can go on from the state with this scheduler, which has taken no step yet.
void checkState(const RunState& state, const kernels::Shape& latents, const Scheduler& scheduler);
// Error{BadFile}, a clause that says why a run begins again. what: "it has done 30 of 20 steps".
[[noreturn]] void refuseState(const std::string& what);
// Throws Error{BadFile} unless the tensor has that shape and numbers for values. what: "the
// latents".
void checkTensor(const HostTensor& tensor, const kernels::Shape& expected, const char* what);

} // namespace kinora::pipelines
