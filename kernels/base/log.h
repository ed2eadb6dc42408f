#pragma once
// Where the engine's remarks go. The program sets one sink at start (stderr by default: nothing
// below Warning); libraries below core only ever call logMessage().

#include <functional>
#include <string>
#include <string_view>

namespace kinora {

enum class LogLevel { Debug, Info, Warning, Error };

using LogSink = std::function<void(LogLevel, std::string_view message)>;

// Replaces the sink; an empty one silences the log. Call before other threads start.
void setLogSink(LogSink sink);

// Any thread. The sink is called under a lock, one message at a time.
void logMessage(LogLevel level, std::string_view message);

} // namespace kinora
