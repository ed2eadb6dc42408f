#pragma once
// The back ends of this program. main registers them at start; nobody else names one.
//
//     BackendRegistry backends;
//     backends.add(cpuBackend());     // kernels/cpu/cpu_backend.h
//     backends.add(metaBackend());
//     std::unique_ptr<Device> device = backends.open("cpu", {.threads = 2});

#include "kernels/backend/backend_table.h"
#include "kernels/backend/device.h"

#include <memory>
#include <string_view>
#include <vector>

namespace kinora::kernels {

class BackendRegistry {
  public:
    // Throws Error{Unsupported} where the table's version is not ours.
    void add(const BackendTable& table);

    // Throws Error{NotFound} for a name that was not added.
    const BackendTable& find(std::string_view name) const;
    const std::vector<const BackendTable*>& all() const { return m_tables; }

    // Throws Error{NotFound, Internal}.
    std::unique_ptr<Device> open(std::string_view name, const DeviceOptions& options = {}) const;

  private:
    std::vector<const BackendTable*> m_tables;
};

} // namespace kinora::kernels
