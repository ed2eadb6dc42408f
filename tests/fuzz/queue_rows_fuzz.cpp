// Rows of the queue as anybody may have left them: "column=value" lines replace what a sound job
// has, and the job is read.

#include "core/queue/queue_rows.h"
#include "core/queue/queue_schema.h"
#include "tests/fuzz/fuzz_support.h"

#include <array>
#include <charconv>
#include <string>

using namespace kinora;
using namespace kinora::core;

namespace {

constexpr std::array kTexts{"kind",   "state", "project",    "title",         "request",
                            "format", "wish",  "error_code", "error_message", "error_advice"};
constexpr std::array kNumbers{"priority", "pictures",      "pictures_done",
                              "revision", "first_picture", "overwrite"};

Database& queue() {
    static Database database = [] {
        Database made = Database::inMemory();
        prepareQueueSchema(made);
        made.execute(
            "INSERT INTO jobs VALUES (1, 'image', 'waiting', '', 'a fox', 0, 1.0, "
            "'{\"prompt\":\"a fox\",\"seed\":7}', 'png', 0, 1, 1, 0, 0, 0, 'none', 0, '', '', '', "
            "'')");
        return made;
    }();
    return database;
}

void change(Database& database, std::string_view line) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = line.substr(0, equals), value = line.substr(equals + 1);
    for (const char* column : kTexts)
        if (name == column)
            database.run(std::string("UPDATE jobs SET ") + column + " = ?", std::string(value));
    int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    for (const char* column : kNumbers)
        if (name == column) database.run(std::string("UPDATE jobs SET ") + column + " = ?", number);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Database& database = queue();
    Transaction undone(database);
    std::string_view lines = fuzz::text(data, size);
    while (!lines.empty()) {
        const size_t end = lines.find('\n');
        change(database, lines.substr(0, end));
        lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    }
    fuzz::errorsAreAnswers([&] {
        Statement row(database, std::string(kSelectJobs) + "WHERE j.id = 1");
        if (!row.next()) return;
        const QueueJob job = jobFromRow(row, database);
        fuzz::require(job.picturesDone <= job.pictures && job.pictures == job.request.count,
                      "a job's pictures add up");
        fuzz::require(job.firstPicture >= 0 && job.firstPicture < job.pictures,
                      "a job begins at one of its pictures");
        fuzz::require(job.request.seed.has_value(), "a job has its seed");
        fuzz::require(isValidUtf8(job.title) && isValidUtf8(job.project), "texts are UTF-8");
        (void)stepKind(job.request);
    });
    return 0;
}
