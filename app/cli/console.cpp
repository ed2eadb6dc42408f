#include "app/cli/console.h"

#include <QString>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace kinora::app {
namespace {

bool standardErrorIsTerminal() {
    if (::isatty(STDERR_FILENO) != 1) return false;
    const char* terminal = std::getenv("TERM");
    return terminal && std::string_view(terminal) != "dumb";
}

int terminalWidth() {
    constexpr int kUsual = 80;
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
    return size.ws_col;
}

// 0, or errno.
int writeAll(int descriptor, const std::string& text) {
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(descriptor, text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        written += static_cast<size_t>(count);
    }
    return 0;
}

} // namespace

std::string printable(const std::string& text) {
    // QString replaces what is not UTF-8; a terminal would obey control characters, and those that
    // turn the direction of writing make a file's name look like another.
    QString shown = QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
    for (QChar& c : shown) {
        const bool obeyed =
            c != QChar(u'\n') && c != QChar(u'\t') && c.category() == QChar::Other_Control;
        const bool turns = (c >= QChar(0x202A) && c <= QChar(0x202E)) ||
                           (c >= QChar(0x2066) && c <= QChar(0x2069));
        if (obeyed || turns) c = QChar(0xFFFD);
    }
    return shown.toStdString();
}

Console::Console(Options options) : m_options(options), m_terminal(standardErrorIsTerminal()) {}

Console::~Console() {
    endProgress();
}

void Console::data(const std::string& text) {
    if (m_options.json) return;
    writeOutput(!text.empty() && text.back() == '\n' ? text : text + "\n");
}

void Console::event(const nlohmann::ordered_json& event) {
    if (!m_options.json) return;
    using nlohmann::ordered_json;
    writeOutput(event.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

void Console::remark(const std::string& text) {
    if (!m_options.quiet) writeMessage(printable(text) + "\n");
}

void Console::warning(const std::string& text) {
    {
        const std::lock_guard lock(m_mutex);
        if (!m_warnings.insert(text).second) return;
    }
    remark(text);
    event({{"event", "warning"}, {"message", text}});
}

void Console::complaint(const std::string& text) {
    writeMessage(printable(text) + "\n");
}

void Console::detail(const std::string& text) {
    if (m_options.verbose) remark(text);
}

void Console::error(const Error& error, const std::string& context) {
    const bool color = m_options.color && m_terminal;
    std::string text = color ? "\x1b[1;31mkinora:\x1b[0m " : "kinora: ";
    text += printable(error.message()) + "\n";
    if (!error.advice().empty()) text += printable(error.advice()) + "\n";
    writeMessage(text);
    event({{"event", "error"},
           {"code", std::string(errorCodeName(error.code()))},
           {"message", error.message()},
           {"context", context},
           {"hint", error.advice()}});
}

void Console::progress(const Progress& progress) {
    if (m_options.quiet) return;
    const std::lock_guard lock(m_mutex);
    if (m_terminal) {
        // One column stays free: a full line would wrap.
        writeAll(STDERR_FILENO, "\r" + progressText(progress, terminalWidth() - 1) + "\x1b[K");
        m_progressShown = true;
    } else if (m_pacer.due(LinePacer::Clock::now())) {
        writeAll(STDERR_FILENO, progressSentence(progress) + "\n");
    }
}

void Console::endProgress() {
    const std::lock_guard lock(m_mutex);
    clearProgress();
}

int Console::outputError() const {
    const std::lock_guard lock(m_mutex);
    return m_outputError;
}

void Console::writeOutput(const std::string& line) {
    const std::lock_guard lock(m_mutex);
    clearProgress();
    const int error = writeAll(STDOUT_FILENO, line);
    if (error != 0 && m_outputError == 0) m_outputError = error;
}

void Console::writeMessage(const std::string& line) {
    const std::lock_guard lock(m_mutex);
    clearProgress();
    writeAll(STDERR_FILENO, line); // nowhere is left to complain to
}

void Console::clearProgress() {
    if (m_progressShown) writeAll(STDERR_FILENO, "\r\x1b[K");
    m_progressShown = false;
}

} // namespace kinora::app
