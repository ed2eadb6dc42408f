#include "core/devices/device_list.h"

#include <QTest>

#include <cstring>

using namespace kinora;

namespace {

int32_t two() {
    return 2;
}
kernels::Status describe(int32_t ordinal, kernels::DeviceDescription* out) {
    if (ordinal == 1) return kernels::Status::Failed;
    *out = {};
    std::strcpy(out->name, "A device");
    std::strcpy(out->features, "FAST  BF16");
    out->memoryBytes = 10;
    out->freeMemoryBytes = 4;
    out->fastBf16 = 1;
    return kernels::Status::Ok;
}
kernels::Status supports(int32_t, kernels::DType) {
    return kernels::Status::Ok;
}

kernels::BackendTable table(const char* name) {
    kernels::BackendTable table{};
    table.version = kernels::kBackendVersion;
    table.sizeBytes = sizeof table;
    table.name = name;
    table.deviceCount = two;
    table.describe = describe;
    table.supports = supports;
    return table;
}

} // namespace

class DeviceListTest : public QObject {
    Q_OBJECT

  private slots:
    void listsWhatAnswersAndHasNumbers() {
        const kernels::BackendTable fast = table("fast"), meta = table("meta");
        kernels::BackendRegistry backends;
        backends.add(meta);
        backends.add(fast);
        const std::vector<core::DeviceInfo> devices = core::listDevices(backends, 3);
        QCOMPARE(devices.size(), size_t{1});
        QCOMPARE(devices[0].device, std::string("fast:0"));
        QCOMPARE(devices[0].name, std::string("A device"));
        QCOMPARE(devices[0].features, (std::vector<std::string>{"FAST", "BF16"}));
        QCOMPARE(devices[0].threads, 3);
        QCOMPARE(devices[0].availableBytes, uint64_t{4});
        QCOMPARE(devices[0].precision, std::string("bf16"));
    }
};

QTEST_GUILESS_MAIN(DeviceListTest)
#include "device_list_test.moc"
