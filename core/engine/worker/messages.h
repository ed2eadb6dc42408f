#pragma once
// The engine's values as messages between studio and worker, and back. What comes back was written
// by another process: types, ranges, sizes and texts are checked.

#include "core/engine/engine.h"
#include "core/engine/worker/worker.pb.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace kinora::core {

// Raised with every change of worker.proto or of the shared segment.
inline constexpr uint32_t kWorkerProtocol = 1;

// Pixels of a preview or picture are left out: the caller puts them into the segment and fills
// `pixels` in. Throws Error{InvalidArgument} where a text is not UTF-8.
wire::Event toMessage(const EngineEvent& event);
wire::Plan toMessage(const pipelines::Plan& plan);
wire::Failure toMessage(const Error& error);
std::string requestText(const pipelines::ImageRequest& request);

// outbox: what the pixels of a preview or picture are copied from. Error{BadFile} names the field.
Result<EngineEvent> eventFromMessage(const wire::Event& event, std::span<const std::byte> outbox);
Result<pipelines::Plan> planFromMessage(const wire::PlanReply& reply);
// Error{BadFile, InvalidArgument}.
Result<pipelines::ImageRequest> requestFromText(const std::string& text);

// The pixels that the event announces, or nullptr.
const wire::Pixels* announcedPixels(const wire::Event& event);
wire::Pixels* pixelsOf(wire::Event& event);

} // namespace kinora::core
