#pragma once
// Where a command's words go: data and --json events to standard output, messages and progress to
// standard error.
//
//     console.data("/home/ada/Pictures/Kinora/00001-fox-7.png");
//     console.event({{"event", "result"}, {"file", path}});
//     console.error(error, "image");
//
// Any thread may call; lines are never mixed.

#include "app/cli/progress_line.h"
#include "kernels/base/error.h"

#include <nlohmann/json_fwd.hpp>

#include <mutex>
#include <set>
#include <string>

namespace kinora::app {

class Console {
  public:
    struct Options {
        bool json = false;
        bool quiet = false;
        bool verbose = false;
        bool color = true; // errors stand out on a terminal
    };
    explicit Console(Options options);
    ~Console();

    bool json() const { return m_options.json; }

    // Text on standard output; with --json nothing. A newline is added where there is none.
    void data(const std::string& text);
    // One line on standard output; without --json nothing.
    void event(const nlohmann::ordered_json& event);
    // A sentence on standard error; with --quiet nothing. detail: with --verbose only.
    void remark(const std::string& text);
    void detail(const std::string& text);
    // A remark, and an event. The same one again says nothing new: plan and run warn of the same.
    void warning(const std::string& text);
    // A sentence on standard error, --quiet or not.
    void complaint(const std::string& text);
    // Always on standard error, and as an event. context: what was being done: "image".
    void error(const Error& error, const std::string& context);
    // Replaces what was shown last.
    void progress(const Progress& progress);
    void endProgress();

    // errno of the first write to standard output that failed; 0: none.
    int outputError() const;

  private:
    void writeOutput(const std::string& line);
    void writeMessage(const std::string& line);
    void clearProgress();

    Options m_options;
    bool m_terminal;
    mutable std::mutex m_mutex;
    LinePacer m_pacer;
    bool m_progressShown = false;
    int m_outputError = 0;
    std::set<std::string> m_warnings; // told already
};

// Bytes that are not UTF-8 and control characters never reach a terminal as they are.
std::string printable(const std::string& text);

} // namespace kinora::app
