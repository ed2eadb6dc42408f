#pragma once
// The tables of the queue's file, their versions, and the check that a file is one of ours.

#include "core/queue/sqlite.h"

#include <span>
#include <string_view>

namespace kinora::core {

// In the file's header, so that tools and this program know what it is: "Knra".
inline constexpr int64_t kQueueApplicationId = 0x4b6e7261;

// Each brings a file of the version that is its index to the next one.
std::span<const std::string_view> queueMigrations();

// Makes the tables in an empty file, brings older ones up to date, and refuses all others before
// anything is written into them. Several processes may do so at once. Throws Error{BadFile (not a
// queue, or its tables are not as this program makes them), Unsupported (made by a newer version)}
// and as Database does.
void prepareQueueSchema(Database& database,
                        std::span<const std::string_view> migrations = queueMigrations());

} // namespace kinora::core
