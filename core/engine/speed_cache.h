#pragma once
// How fast this machine's devices are, measured once and remembered in the data folder.

#include "kernels/backend/device.h"
#include "pipelines/plan/time_model.h"

#include <filesystem>
#include <map>
#include <string>

namespace kinora::core {

class SpeedCache {
  public:
    enum class Remember { No, Yes };

    // file: speeds.json; empty: remembered for this process alone. A damaged file is measured anew.
    explicit SpeedCache(std::filesystem::path file);

    // key: the device's name and the program's version; back end, threads and dtype are added here.
    // Where it is not known yet it is measured, in a tenth of a second. remember: No while the
    // device computes something else, because what is measured then holds for that moment alone.
    // Throws as the ops do.
    pipelines::DeviceSpeed get(const std::string& key, const kernels::BackendTable& backend,
                               int threads, kernels::DType compute,
                               Remember remember = Remember::Yes);

  private:
    void load();
    void save() const;

    std::filesystem::path m_file;
    std::map<std::string, pipelines::DeviceSpeed> m_speeds;
};

} // namespace kinora::core
