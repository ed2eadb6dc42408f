// What a worker says, as its studio reads it: the first byte chooses an event or a plan's reply.

#include "core/engine/worker/messages.h"
#include "tests/fuzz/fuzz_support.h"

#include <google/protobuf/stubs/logging.h>
#include <vector>

using namespace kinora;

namespace {

void readEvent(std::string_view bytes) {
    static const std::vector<std::byte> outbox(4096);
    core::wire::Event message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    const Result<core::EngineEvent> event = core::eventFromMessage(message, outbox);
    if (!event) return fuzz::requirePresentable(event.error());
    core::wire::Event again = core::toMessage(*event);
    fuzz::require(again.kind_case() == message.kind_case(), "an event stays of its kind");
    if (const core::wire::Pixels* pixels = core::announcedPixels(message))
        *core::pixelsOf(again) = *pixels;
    fuzz::require(core::eventFromMessage(again, outbox).ok(), "what was written is read back");
}

void readReply(std::string_view bytes) {
    core::wire::PlanReply reply;
    if (!reply.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    const Result<pipelines::Plan> plan = core::planFromMessage(reply);
    if (!plan) fuzz::require(!plan.error().message().empty(), "an error says what failed");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    google::protobuf::SetLogHandler(nullptr); // it would print every text that is none
    if (size == 0) return 0;
    fuzz::errorsAreAnswers([&] {
        const std::string_view bytes = fuzz::text(data, size).substr(1);
        data[0] == 'e' ? readEvent(bytes) : readReply(bytes);
    });
    return 0;
}
