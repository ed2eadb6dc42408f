#include "core/engine/passes/pass_walk.h"

#include "core/engine/input_pictures.h"
#include "core/engine/tensor_image.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kinora::core {

using pipelines::BegunBatch;
using pipelines::ImageRequest;
using pipelines::RunMoment;
using pipelines::RunState;

namespace {

void checkPicture(const PassState& state, const Pass& pass) {
    const bool takes = pass.takes == Takes::Picture;
    if (takes != state.picture.defined())
        pipelines::refuseState(takes ? "it lacks the picture that this pass begins from"
                                     : "it has a picture that nothing begins from");
    if (!takes) return;
    const auto expected = [&](int64_t channels) {
        return kernels::Shape{*pass.request.height, *pass.request.width, channels};
    };
    const bool alpha = state.picture.shape == expected(4);
    pipelines::checkTensor(state.picture, expected(alpha ? 4 : 3), "the values of the picture");
}

} // namespace

PassWalk::PassWalk(const JobPasses& passes, PassHooks hooks)
    : m_passes(passes), m_hooks(std::move(hooks)) {}

PassPlace PassWalk::check(const PassState& from) {
    if (from.round < 0 || from.round >= m_passes.rounds || from.pass < 0 ||
        from.pass >= std::ssize(m_passes.list))
        pipelines::refuseState("pass " + std::to_string(from.pass) + " of round " +
                               std::to_string(from.round) + " is none of this job");
    m_state = from;
    checkPicture(from, pass());
    const bool takesLatents = pass().takes == Takes::Latents;
    if (takesLatents == from.taken.empty())
        pipelines::refuseState("what the pass before left is not what this one takes");
    if (pass().inputs.part.ends() && !from.handed.empty())
        pipelines::refuseState("it leaves something that no pass takes");
    const pipelines::TextToImage& pipeline = m_hooks.load(pass());
    const int64_t first = from.run ? from.run->first : 0;
    if (takesLatents) pipeline.checkBegun(pass().request, from.taken, first);
    if (const int64_t handed = pipeline.checkBegun(pass().request, from.handed, 0);
        !pass().inputs.part.ends() && handed != first)
        pipelines::refuseState("it leaves " + std::to_string(handed) + " pictures and is at " +
                               std::to_string(first));
    if (from.run) pipeline.checkState(request(), *from.run, pass().inputs.part);
    return {from.round, static_cast<size_t>(from.pass), first, from.run ? from.run->stepsTaken : 0,
            0};
}

void PassWalk::run(const PassState* from) {
    m_state = from ? *from : PassState{};
    std::optional<RunState> begun = std::exchange(m_state.run, std::nullopt);
    while (true) {
        runPass(begun ? &*begun : nullptr);
        begun.reset();
        const bool roundIsOver = isLast();
        if (roundIsOver && (m_state.round + 1 == m_passes.rounds || stops())) return;
        finishPass();
        offer(RunMoment::BatchBegins, {});
    }
}

void PassWalk::finishPass() {
    PassState next;
    next.round = isLast() ? m_state.round + 1 : m_state.round;
    next.pass = isLast() ? 0 : m_state.pass + 1;
    next.taken = std::move(m_state.handed);
    next.picture = std::exchange(m_picture, {});
    m_state = std::move(next);
}

ImageRequest PassWalk::request() const {
    ImageRequest request = pass().request;
    request.seed = *request.seed + m_state.round;
    request.latentsIndex += m_state.round;
    if (pass().takes == Takes::Latents) // where a person ended the job, others were not begun
        request.count = std::min(request.count, m_state.taken.back().first +
                                                    m_state.taken.back().latents.shape[0]);
    return request;
}

pipelines::RunInputs PassWalk::inputs() const {
    pipelines::RunInputs inputs = pass().inputs;
    if (pass().takes == Takes::Latents) inputs.begun = m_state.taken;
    if (pass().takes == Takes::Picture) inputs.init = m_state.picture;
    return inputs;
}

void PassWalk::runPass(const RunState* from) {
    pipelines::TextToImage& pipeline = m_hooks.load(pass());
    pipeline.run(request(), events(pass().calls), from, inputs());
}

pipelines::TextToImageEvents PassWalk::events(int64_t calls) {
    pipelines::TextToImageEvents events;
    events.loading = m_hooks.loading;
    events.encoded = m_hooks.encoded;
    events.state = [this](RunMoment moment, const auto& state) { offer(moment, state); };
    const auto pass = static_cast<size_t>(m_state.pass);
    if (m_hooks.step)
        events.step = [this, pass](int64_t first, int64_t step, int64_t) {
            m_hooks.step({m_state.round, pass, first, step, 0});
        };
    if (m_hooks.preview)
        events.preview = [this](int64_t first, const kernels::Tensor& preview) {
            m_hooks.preview(m_state.round + first, preview);
        };
    events.picture = [this, calls](int64_t picture, const kernels::Tensor& image) {
        takePicture(picture, image, calls);
    };
    events.handOver = [this](BegunBatch batch) { m_state.handed.push_back(std::move(batch)); };
    // What the pass before was told to stop after is finished here, all of it.
    if (m_hooks.stopAfterThis && !(m_state.pass > 0 && stops()))
        events.stopAfterThis = m_hooks.stopAfterThis;
    return events;
}

void PassWalk::takePicture(int64_t picture, const kernels::Tensor& tensor, int64_t calls) {
    Image image = toImage(tensor);
    if (const auto& how = pass().paste)
        image = pastedBack(std::move(image), pass().inputs.init, pass().inputs.mask, *how);
    if (const auto& how = pass().enlarge) {
        const int64_t batch = std::max<int64_t>(pass().request.batch, 1);
        PassPlace place{m_state.round, static_cast<size_t>(m_state.pass), picture / batch * batch,
                        calls, picture % batch * how->plan.tiles};
        tensor.device().arena().trim(); // beside the model the upscaler needs its own
        image = m_hooks.enlarge(*how, image, [&] {
            ++place.tiles;
            if (m_hooks.step) m_hooks.step(place);
        });
    }
    if (!isLast()) {
        const ImageRequest& next = m_passes.list[static_cast<size_t>(m_state.pass) + 1].request;
        m_picture = scaledPicture(std::move(image), *next.width, *next.height);
    } else if (m_hooks.picture) {
        m_hooks.picture(m_state.round + picture, std::move(image));
    }
}

void PassWalk::offer(RunMoment moment, const std::function<RunState()>& run) const {
    if (!m_hooks.state) return;
    m_hooks.state(moment, [&] {
        PassState state = m_state;
        if (!run) return state;
        state.run = run();
        std::erase_if(state.taken,
                      [&](const BegunBatch& batch) { return batch.first < state.run->first; });
        return state;
    });
}

} // namespace kinora::core
