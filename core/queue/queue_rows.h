#pragma once
// Jobs between rows and values. The file may have been written by anybody: every text is checked
// before it is believed.

#include "core/queue/queue_job.h"
#include "core/queue/sqlite.h"

#include <string>

namespace kinora::core {

// Columns for jobFromRow, to be followed by "WHERE ..." of your own over jobs j.
inline constexpr const char* kSelectJobs =
    "SELECT j.id, j.kind, j.state, j.project, j.title, j.priority, j.request, j.format, "
    "j.overwrite, j.metadata, j.pictures, j.pictures_done, j.revision, j.first_picture, j.wish, "
    "j.added, j.error_code, j.error_message, j.error_advice, p.picture, p.step, p.steps, "
    "p.seconds_left, (j.pictures - j.pictures_done) * (t.steps * t.seconds_per_step + "
    "t.seconds_beside) FROM jobs j LEFT JOIN progress p ON p.job = j.id LEFT JOIN step_times t ON "
    "t.kind = j.step_kind ";

// Throws Error{BadFile}, and Unsupported on a kind of job that a newer version brought.
QueueJob jobFromRow(const Statement& row, const Database& database);

JobState jobStateOf(const Statement& row, int column, const Database& database);

// Checks what add() takes and edit() changes. Throws Error{InvalidArgument}.
void checkNewJob(const NewJob& job);
void checkPriority(int64_t priority);

std::string formatName(ImageFormat format);
// What steps cost depends on this much of a request, as asked.
std::string stepKind(const pipelines::ImageRequest& request);

// A code that this version does not know is Internal.
ErrorCode storedErrorCode(std::string_view name);

} // namespace kinora::core
