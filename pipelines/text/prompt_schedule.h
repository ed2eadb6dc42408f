#pragma once
// Prompts that change on the way: [from:to:0.4], [word:0.4], [word::0.4], [a|b|c]. Source: the
// published rule of AUTOMATIC1111's web UI.
//
//     promptSchedule("a [red:green:0.5] apple", 20)
//         -> until call 10 "a red apple", until 20 "a green apple"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct PromptSchedule {
    struct Entry {
        int64_t lastCall; // as textAt() counts
        size_t text;      // which of texts
    };
    std::vector<std::string> texts; // each once
    std::vector<int64_t> times;     // how many entries have it
    std::vector<Entry> entries;     // by their last call
    bool isScheduled = false;       // the language was used

    // call: 0, 1 ... The first entry whose last call is not before it: so a text holds for its
    // last call too, counted from 0, as there.
    size_t textAt(int64_t call) const;
};

// calls: of the whole run, 1 or more. A number with a decimal point is a share of them, another is
// a call. Brackets that fit no rule stay in the text, so do those of weights. Time grows with the
// length times 64 at worst, and with the calls where texts alternate. Throws Error{InvalidArgument}
// for more than 256 texts.
PromptSchedule promptSchedule(std::string_view text, int64_t calls);

} // namespace kinora::pipelines
