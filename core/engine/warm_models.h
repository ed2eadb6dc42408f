#pragma once
// Models that stay loaded between jobs, each on a device of its own. Those used longest ago go
// first where a run needs their memory.
//
//     if (WarmModels::Model* model = warm.find(source)) ...
//     warm.makeRoom([&] { return fits(); });
//     warm.add(std::move(loaded));
//
// The thread that computes; bytes() from any.

#include "kernels/backend/device.h"
#include "pipelines/image/text_to_image.h"

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace kinora::core {

class WarmModels {
  public:
    struct Source { // what is loaded
        std::filesystem::path path;
        std::string additions;                   // pipelines::Model::additions(): LoRAs ...
        std::filesystem::file_time_type changed; // the youngest of its files
        kernels::DType compute;

        friend bool operator==(const Source&, const Source&) = default;
    };
    struct Model {
        Source source;
        std::unique_ptr<kernels::Device> device;
        std::unique_ptr<pipelines::TextToImage> pipeline;

        size_t bytes() const; // weights and arena
    };
    static constexpr size_t kMost = 4; // more of them are rarely in use at a time

    // The one of this source, which counts as used now; nullptr where it is not loaded. One whose
    // files have changed since is given up.
    Model* find(const Source& source);
    // Gives up the least recently used ones until `enough` answers true; never the one that `keep`
    // points to.
    void makeRoom(const std::function<bool()>& enough, const Model* keep = nullptr);
    Model& add(Model model);
    Model& newest() { return m_models.front(); } // found or added last; there is one
    void clear();

    // What all of them hold, as of the last call of the others or of update(): a run's arena grows.
    size_t bytes() const { return m_bytes; }
    void update();

  private:
    std::list<Model> m_models; // the one used last first; a list: references stay valid
    std::atomic<size_t> m_bytes = 0;
};

} // namespace kinora::core
