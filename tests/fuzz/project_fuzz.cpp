// A project file.

#include "core/project/project_document.h"
#include "tests/fuzz/fuzz_support.h"

#include <nlohmann/json.hpp>

using namespace kinora;
using core::ProjectDocument;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto project = ProjectDocument::parse(fuzz::text(data, size), "fuzz.kinora");
    if (!project) {
        fuzz::requirePresentable(project.error());
        return 0;
    }
    const auto again = ProjectDocument::parse(project->text(), "again");
    fuzz::require(again.ok(), "what was written is read back");
    fuzz::require(again->json() == project->json(), "and is the same");
    for (int64_t task = 0; task < project->taskCount() && task < 100; ++task) {
        const auto made = project->task(task);
        if (!made) {
            fuzz::requirePresentable(made.error());
            continue;
        }
        fuzz::require(made->request.seed.has_value(), "a task has a seed");
        fuzz::require(made->request.count == 1, "a task is one picture");
    }
    return 0;
}
