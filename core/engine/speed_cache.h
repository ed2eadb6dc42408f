#pragma once
// How fast this machine's devices are: measured once, set right by the work that they do, and
// remembered in the data folder.

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
    // Where it is not known yet it is measured (measureSpeed). remember: No while the device
    // computes something else, because what is measured then holds for that moment alone. Throws
    // as the ops do.
    pipelines::DeviceSpeed get(const std::string& key, const kernels::BackendTable& backend,
                               int threads, kernels::DType compute,
                               Remember remember = Remember::Yes);

    // times: of work, as predicted by what get() gave for the same. A speed that is not remembered
    // learns nothing.
    void learn(const std::string& key, const kernels::BackendTable& backend, int threads,
               kernels::DType compute, const pipelines::ClassTimes& times);

  private:
    using Speeds = std::map<std::string, pipelines::DeviceSpeed>;
    Speeds stored() const; // in the file
    void save();

    std::filesystem::path m_file;
    Speeds m_speeds;
    Speeds m_saved; // as the file has them, as far as this process knows
};

} // namespace kinora::core
