#include "kernels/backend/registry.h"

#include "kernels/base/error.h"

#include <string>

namespace kinora::kernels {

void BackendRegistry::add(const BackendTable& table) {
    if (table.version != kBackendVersion || table.sizeBytes != sizeof(BackendTable))
        throw Error(ErrorCode::Unsupported,
                    "Back end '" + std::string(table.name) + "' was built for another version.",
                    "Install the program and its plugins from the same release.");
    m_tables.push_back(&table);
}

const BackendTable& BackendRegistry::find(std::string_view name) const {
    for (const BackendTable* table : m_tables)
        if (table->name == name) return *table;
    throw Error(ErrorCode::NotFound, "There is no back end '" + std::string(name) + "'.");
}

std::unique_ptr<Device> BackendRegistry::open(std::string_view name,
                                              const DeviceOptions& options) const {
    return std::make_unique<Device>(find(name), options);
}

} // namespace kinora::kernels
