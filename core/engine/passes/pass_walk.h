#pragma once
// Walks a job's passes: round by round, pass by pass. What a pass leaves goes to the next one, the
// pictures of the last one are the job's. After each step and between passes it offers how far it
// is; from any such state the same job goes on to the same bytes.
//
//     PassWalk walk(passes, hooks);
//     walk.run(nullptr);
//
// The thread that computes.

#include "core/engine/passes/pass.h"
#include "core/engine/passes/pass_progress.h"
#include "core/engine/passes/pass_state.h"
#include "core/media/image.h"
#include "pipelines/image/text_to_image.h"

#include <functional>

namespace kinora::core {

// What the walk asks for and tells; pictures are the job's. All but load may be empty.
struct PassHooks {
    std::function<pipelines::TextToImage&(const Pass& pass)> load;
    // tile: called after each that is done. Throws Cancelled, Error.
    std::function<Image(const PictureEnlargement& how, const Image& picture,
                        const std::function<void()>& tile)>
        enlarge;
    std::function<void(const std::string& component, double fraction)> loading;
    std::function<void()> encoded; // a pass's prompts: its steps come next
    std::function<void(pipelines::RunMoment moment, const std::function<PassState()>& state)> state;
    std::function<void(const PassPlace& place)> step;
    std::function<void(int64_t picture, const kernels::Tensor& preview)> preview;
    std::function<void(int64_t picture, Image image)> picture;
    std::function<bool()> stopAfterThis; // true: what is begun is the last
};

class PassWalk {
  public:
    // Borrows the passes.
    PassWalk(const JobPasses& passes, PassHooks hooks);

    // Whether run() could go on from it; loads the model of its pass. -> where that is. Throws
    // Error{BadFile}, which says what does not fit, and as load does.
    PassPlace check(const PassState& from);

    // from: as check() took it; nullptr: from the beginning. Throws as TextToImage::run and the
    // hooks do.
    void run(const PassState* from);

  private:
    const Pass& pass() const { return m_passes.list[static_cast<size_t>(m_state.pass)]; }
    bool isLast() const { return m_state.pass + 1 == std::ssize(m_passes.list); }
    // What the pass that is at work is asked for: of its round, and of what was begun alone.
    pipelines::ImageRequest request() const;
    pipelines::RunInputs inputs() const;
    pipelines::TextToImageEvents events(int64_t calls);
    void runPass(const pipelines::RunState* from);
    void finishPass();
    void takePicture(int64_t picture, const kernels::Tensor& image, int64_t calls);
    void offer(pipelines::RunMoment moment, const std::function<pipelines::RunState()>& run) const;
    bool stops() const { return m_hooks.stopAfterThis && m_hooks.stopAfterThis(); }

    const JobPasses& m_passes;
    PassHooks m_hooks;
    PassState m_state;               // of the pass at work; its run is the pipeline's to say
    pipelines::HostTensor m_picture; // that it leaves to the next
};

} // namespace kinora::core
