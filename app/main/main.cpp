// The program: takes the command line apart, builds the object graph, and hands it to a command or
// to the window.

#include "app/cli/command.h"
#include "app/cli/completions.h"
#include "app/cli/exit_code.h"
#include "app/cli/help_text.h"
#include "app/cli/man_page.h"
#include "app/main/program.h"
#include "app/main/version.h"
#include "kernels/base/disk_space.h"
#include "kernels/base/log.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <new>
#include <pwd.h>
#include <unistd.h>

namespace kinora::app {
namespace {

// A closed standard descriptor would be given to the next file that is opened, and messages would
// go into it. Opened the wrong way round, writing and reading them fail as they should.
void occupyStandardDescriptors() {
    for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
            if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
}

// A closed pipe and a file-size limit are errors of a write, not ends of the program: a picture
// half saved is cleaned up.
void ignoreWriteSignals() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

// Without it pictures would go to the root folder. Services and containers often lack it.
void findHome() {
    const char* home = std::getenv("HOME");
    if (home && *home) return;
    const passwd* user = ::getpwuid(::getuid());
    if (user && user->pw_dir && *user->pw_dir) ::setenv("HOME", user->pw_dir, 1);
}

bool contains(const std::vector<std::string>& words, const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// From the raw words, because errors of the parser are told by these options too.
Console::Options consoleOptions(const std::vector<std::string>& words) {
    const char* noColor = std::getenv("NO_COLOR");
    return {.json = contains(words, "--json"),
            .quiet = contains(words, "--quiet"),
            .verbose = contains(words, "--verbose"),
            .color = !contains(words, "--no-color") && !(noColor && *noColor)};
}

void sendLogTo(Console& console) {
    setLogSink([&console](LogLevel level, std::string_view message) {
        if (level >= LogLevel::Warning)
            console.warning(std::string(message));
        else
            console.detail(std::string(message));
    });
}

int printVersion(Console& console) {
    const kernels::BackendRegistry backends = registeredBackends();
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    std::string text = engineVersion() + "\n";
    for (const kernels::BackendTable* table : backends.all()) {
        const int32_t devices = table->deviceCount();
        list.push_back(nlohmann::ordered_json{{"name", table->name}, {"devices", devices}});
        text += std::string("back end ") + table->name + ": " + std::to_string(devices) +
                (devices == 1 ? " device" : " devices") + "\n";
    }
    console.event({{"event", "version"},
                   {"version", kVersion},
                   {"commit", kCommit},
                   {"backEnds", std::move(list)}});
    console.data(text);
    return kExitDone;
}

int printText(Console& console, const char* event, const std::string& text) {
    console.event({{"event", event}, {"text", text}});
    console.data(text);
    return kExitDone;
}

Error noWindow(const std::string& why) {
    return Error(ErrorCode::Unsupported, why,
                 "Commands work without it: kinora image --prompt \"3d emoji of a red apple\"\n"
                 "kinora --help lists them all.");
}

int openWindow(int argc, char** argv, const Arguments& arguments) {
    const auto set = [](const char* name) {
        const char* value = std::getenv(name);
        return value && *value;
    };
    if (!set("DISPLAY") && !set("WAYLAND_DISPLAY") && !set("QT_QPA_PLATFORM"))
        throw noWindow("There is no display to open the window on.");
    void* module = ::dlopen("libkinora_gui.so", RTLD_NOW);
    if (!module) throw noWindow(std::string("The window is not here: ") + ::dlerror() + ".");
    const auto run = reinterpret_cast<WindowEntryPoint>(::dlsym(module, kWindowEntryPoint));
    if (!run) throw noWindow("The window's module is of another version.");
    const Program program(arguments);
    return run(argc, argv, program.context());
}

int runWithEngine(const Arguments& arguments, Console& console) {
    // Before the engine's threads, which inherit its mask.
    InterruptWatch interrupts([&console] { console.event({{"event", "cancelled"}}); });
    const Program program(arguments);
    const CommandContext context{program.context(), arguments, console, interrupts};
    const std::string& name = arguments.command->name;
    if (name == "image") return runImageCommand(context);
    if (name == "models") return runModelsCommand(context);
    if (name == "info") return runInfoCommand(context);
    if (name == "upscale") return runUpscaleCommand(context);
    if (name == "verify") return runVerifyCommand(context);
    if (name == "bench") return runBenchCommand(context);
    if (name == "devices") return runDevicesCommand(context);
    if (name == "queue") return runQueueCommand(context);
    if (name == "worker") return runWorkerCommand(context);
    if (name == "project") return runProjectCommand(context);
    if (name == "render") return runRenderCommand(context);
    throw Error(ErrorCode::Internal, "kinora " + name + " is in the table and nowhere else.");
}

int run(int argc, char** argv, const std::vector<std::string>& words, Console& console) {
    const Arguments arguments = parseArguments(words);
    const std::string command = arguments.command ? arguments.command->name : std::string();
    if (arguments.has("help")) return printText(console, "help", helpText(arguments.command));
    if (arguments.has("version")) return printVersion(console);
    if (command == "completions")
        return printText(console, "completions", completions(arguments.positional.at(0)));
    if (command == "manual") return printText(console, "manual", manPage(kVersion));
    if (command.empty()) return openWindow(argc, argv, arguments);
    return runWithEngine(arguments, console);
}

int tell(Console& console, const Error& error, const std::vector<std::string>& words) {
    const bool command = !words.empty() && findCommand(words[0]);
    console.error(error, command ? words[0] : "kinora");
    return exitCodeFor(error.code());
}

// Output that did not arrive is a failure, whatever else went well.
int withOutputChecked(const Console& console, int code) {
    const int error = console.outputError();
    if (error == 0 || code != kExitDone) return code;
    if (error == EPIPE) return kExitFailed; // "kinora info FILE | head": who reads wants no more
    const std::string message =
        std::string("kinora: standard output cannot be written: ") + std::strerror(error) + "\n";
    if (::write(STDERR_FILENO, message.data(), message.size()) < 0) return kExitFailed;
    return isDiskFull(error) ? kExitTryAgain : kExitFailed;
}

int programMain(int argc, char** argv) {
    occupyStandardDescriptors();
    ignoreWriteSignals();
    findHome();
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    Console console(consoleOptions(words));
    sendLogTo(console);
    int code = kExitFailed;
    try {
        code = run(argc, argv, words, console);
    } catch (const Error& error) {
        code = tell(console, error, words);
    } catch (const std::bad_alloc&) {
        code = tell(console,
                    Error(ErrorCode::OutOfMemory, "Memory ran out.",
                          "Close other programs, or ask for less at once."),
                    words);
    } catch (const std::exception& error) {
        code = tell(console, Error(ErrorCode::Internal, error.what()), words);
    }
    setLogSink({});
    return withOutputChecked(console, code);
}

} // namespace
} // namespace kinora::app

int main(int argc, char** argv) {
    const int code = kinora::app::programMain(argc, argv);
    // Interrupted: at once, whatever library is still being opened beside.
    if (code == kinora::app::kExitInterrupted) ::_exit(code);
    return code;
}
