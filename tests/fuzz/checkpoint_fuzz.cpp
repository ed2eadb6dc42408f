// A job's checkpoint: the bytes as they come, and the same with a head whose hash agrees. A seed is
// the JSON in one line and the values behind it.

#include "core/engine/checkpoint.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/support/checkpoint_bytes.h"

#include <algorithm>

using namespace kinora;

namespace {

void read(std::span<const std::byte> bytes) {
    const auto checkpoint = core::checkpointFromBytes(bytes);
    if (!checkpoint) {
        fuzz::requirePresentable(checkpoint.error());
        return;
    }
    const auto again = core::toBytes(*checkpoint);
    const auto second = core::checkpointFromBytes(again);
    fuzz::require(second.ok() && core::toBytes(*second) == again,
                  "what was written is read back the same");
    core::RunIdentity other;
    other.request = core::requestIdentity({});
    fuzz::require(core::whyNot(checkpoint->run, checkpoint->run).empty(),
                  "a run goes on from its own checkpoint");
    fuzz::require(isValidUtf8(core::whyNot(checkpoint->run, other)), "reasons are UTF-8");
    other.engineVersion = checkpoint->run.engineVersion;
    other.device = checkpoint->run.device;
    other.precision = checkpoint->run.precision;
    other.threads = checkpoint->run.threads;
    fuzz::require(isValidUtf8(core::whyNot(checkpoint->run, other)), "reasons are UTF-8");
    if (const auto seed = core::seedOf(checkpoint->run))
        fuzz::require(*seed >= 0, "a seed is none below zero");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    read(std::as_bytes(std::span(data, size)));
    const std::string_view text = fuzz::text(data, size);
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view values = text.substr(std::min(end + 1, text.size()));
    read(test::sealedCheckpoint(text.substr(0, end),
                                std::as_bytes(std::span(values.data(), values.size()))));
    return 0;
}
