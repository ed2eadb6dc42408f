// kinora devices: what can compute here.

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "app/cli/text_table.h"
#include "core/devices/device_list.h"

#include <nlohmann/json.hpp>

namespace kinora::app {

int runDevicesCommand(const CommandContext& context) {
    const std::vector<core::DeviceInfo> devices =
        core::listDevices(*context.program.backEndRegistry, context.program.threads);
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    TextTable table({});
    for (const core::DeviceInfo& device : devices) {
        std::string features;
        for (const std::string& feature : device.features)
            features += (features.empty() ? "" : " ") + feature;
        list.push_back(nlohmann::ordered_json{{"device", device.device},
                                              {"name", device.name},
                                              {"features", device.features},
                                              {"threads", device.threads},
                                              {"memoryBytes", device.memoryBytes},
                                              {"availableBytes", device.availableBytes},
                                              {"precision", device.precision}});
        table.addRow({"Device", device.device + ": " + device.name});
        table.addRow({"Features", features.empty() ? "none that matter" : features});
        table.addRow({"Threads", std::to_string(device.threads)});
        table.addRow({"Memory", sizeText(device.memoryBytes) + ", " +
                                    sizeText(device.availableBytes) + " available"});
        table.addRow({"Precision", device.precision + " (what auto picks)"});
    }
    context.console.event({{"event", "devices"}, {"devices", std::move(list)}});
    context.console.data(table.text());
    return kExitDone;
}

} // namespace kinora::app
