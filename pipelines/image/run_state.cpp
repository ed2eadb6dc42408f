#include "pipelines/image/run_state.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::Shape;
using kernels::Tensor;

void refuseState(const std::string& what) {
    throw Error(ErrorCode::BadFile, "what was kept does not fit the run: " + what,
                "Begin it again.");
}

std::vector<HostTensor> historyOf(const Scheduler& scheduler) {
    std::vector<HostTensor> history;
    for (const Tensor& tensor : scheduler.memory().tensors) history.push_back(toHostTensor(tensor));
    return history;
}

void restoreHistory(const RunState& state, Scheduler& scheduler, kernels::Device& device) {
    SchedulerMemory memory;
    memory.stepsTaken = state.stepsTaken;
    for (const HostTensor& tensor : state.history)
        memory.tensors.push_back(toTensor(tensor, device));
    scheduler.restore(std::move(memory));
}

void checkTensor(const HostTensor& tensor, const Shape& expected, const char* what) {
    if (tensor.shape != expected ||
        tensor.values.size() != static_cast<size_t>(expected.elements()))
        refuseState(std::string(what) + " are " + toString(tensor.shape) + ", not " +
                    toString(expected));
    if (!std::ranges::all_of(tensor.values, [](float value) { return std::isfinite(value); }))
        refuseState(std::string(what) + " hold a value that is not a number");
}

void checkState(const RunState& state, const Shape& latents, const Scheduler& scheduler) {
    if (state.calls < 0 || state.calls > scheduler.callCount())
        refuseState("it has done " + std::to_string(state.calls) + " of " +
                    std::to_string(scheduler.callCount()) + " steps");
    if (state.stepsTaken < 0 || state.stepsTaken > state.calls)
        refuseState("the sampler has taken " + std::to_string(state.stepsTaken) + " steps in " +
                    std::to_string(state.calls));
    if (state.history.size() != scheduler.memory().tensors.size())
        refuseState("the sampler remembers " + std::to_string(scheduler.memory().tensors.size()) +
                    " predictions, not " + std::to_string(state.history.size()));
    checkTensor(state.latents, latents, "the latents");
    for (const HostTensor& prediction : state.history)
        if (prediction.defined()) checkTensor(prediction, latents, "the sampler's predictions");
}

} // namespace kinora::pipelines
