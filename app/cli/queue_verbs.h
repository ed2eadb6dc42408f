#pragma once
// What each verb of kinora queue takes: jobs and options. The command's table has the options of
// all verbs together, so this is where one that means nothing to a verb is refused.

#include "app/cli/arguments.h"

#include <span>
#include <string_view>
#include <vector>

namespace kinora::app {

enum class PictureOptions { No, Yes };

struct QueueVerb {
    std::string_view name;
    int fewestJobs = 0;
    int mostJobs = 0;                           // -1: any number
    PictureOptions pictures{};                  // those of kinora image
    std::vector<std::string_view> options = {}; // of the queue's own
};

std::span<const QueueVerb> queueVerbs();

// The words after `kinora queue`. Throws Error{InvalidArgument} that names the option or word that
// the verb does not take, or says what it lacks.
void checkQueueVerb(const Arguments& arguments);

} // namespace kinora::app
