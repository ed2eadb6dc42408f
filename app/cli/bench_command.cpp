// kinora bench: how fast this machine is, beside what the plan predicts.

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "app/cli/text_table.h"
#include "core/engine/bench.h"
#include "core/library/open_model.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

namespace kinora::app {
namespace {

core::BenchPart partOf(const std::string& name) {
    if (name == "vae") return core::BenchPart::Vae;
    if (name == "text") return core::BenchPart::Text;
    if (name == "image") return core::BenchPart::Image;
    return core::BenchPart::Unet;
}

std::string numberText(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

class BenchCommand {
  public:
    explicit BenchCommand(const CommandContext& context)
        : m_context(context), m_part(context.arguments.positional.at(0)) {}

    int run() {
        readOptions();
        CancelToken cancel = m_options.cancel; // shares the flag
        m_context.interrupts.setHandler([cancel]() mutable { cancel.cancel(); });
        TextTable table({"size", "median", "GFLOP", "GFLOP/s", "peak (predicted)"});
        for (const int64_t size : m_sizes) {
            m_options.width = m_options.height = size;
            const std::optional<core::BenchResult> result = measured();
            if (!result) return cancelled();
            table.addRow(rowOf(*result));
        }
        if (m_sizes.empty()) {
            const std::optional<core::BenchResult> result = measured();
            if (!result) return cancelled();
            table = tableOf(*result);
        }
        m_context.interrupts.setHandler({});
        m_context.console.data(table.text());
        return kExitDone;
    }

  private:
    // Times one size and tells scripts. nullopt: cancelled.
    std::optional<core::BenchResult> measured() {
        std::optional<core::BenchResult> result =
            orThrow(core::runBench(*m_context.program.backEndRegistry, m_options));
        m_context.console.endProgress();
        if (result) tell(*result);
        return result;
    }

    int cancelled() const {
        m_context.interrupts.setHandler({});
        m_context.console.event({{"event", "cancelled"}});
        m_context.console.remark("Cancelled.");
        return kExitInterrupted;
    }

    // Two are known by their kind of checkpoint file; any other name is a model that is here.
    void readArchitecture() {
        const Arguments& arguments = m_context.arguments;
        m_arch = arguments.value("arch").value_or(m_part == "image" ? "starter" : "sd15");
        if (m_arch == "sd15" || m_arch == "sdxl") {
            constexpr int64_t kSideOfXl = 1024; // pixels that it was trained on
            if (m_arch == "sdxl") m_options.width = m_options.height = kSideOfXl;
            m_options.modelFolder = core::checkpointKindFolder(m_arch == "sdxl" ? "sdxl" : "sd1");
            return;
        }
        Result<core::ModelEntry> model =
            m_context.program.library.find(m_arch == "starter" ? std::string() : m_arch);
        if (!model)
            throw Error(ErrorCode::InvalidArgument, "--arch: '" + m_arch + "' is not known.",
                        "It can be sd15, sdxl, starter, or a model that kinora models lists.");
        m_options.modelFolder = model->path;
        m_options.width = model->defaults.width.value_or(m_options.width);
        m_options.height = model->defaults.height.value_or(m_options.height);
    }

    // "256,512,1024": squares, one after another.
    void readSizes() {
        const Arguments& arguments = m_context.arguments;
        if (!arguments.has("sizes")) return;
        if (arguments.has("width") || arguments.has("height"))
            throw Error(ErrorCode::InvalidArgument, "--sizes says width and height already.",
                        "Leave out --width and --height.");
        const std::string list = arguments.value("sizes").value_or("");
        std::string_view rest = list;
        while (!rest.empty()) {
            const std::string_view word = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), word.size() + 1));
            int64_t size = 0;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), size);
            if (error != std::errc() || end != word.data() + word.size() || size < 8 ||
                size > kMostPixels)
                throw Error(ErrorCode::InvalidArgument,
                            "--sizes: '" + std::string(word) + "' is not a number from 8 to " +
                                std::to_string(kMostPixels) + ".",
                            "For example --sizes 256,512,1024.");
            m_sizes.push_back(size);
        }
    }

    void readOptions() {
        constexpr int64_t kMostBatch = 256, kMostSteps = 1000, kMostRepeats = 10'000;
        const Arguments& arguments = m_context.arguments;
        m_options.part = partOf(m_part);
        readArchitecture();
        m_options.width = arguments.integer("width", m_options.width, 8, kMostPixels);
        m_options.height = arguments.integer("height", m_options.height, 8, kMostPixels);
        m_options.batch = arguments.integer("batch", 1, 1, kMostBatch);
        m_options.steps = arguments.integer("steps", m_options.steps, 1, kMostSteps);
        m_options.repeat = arguments.integer("repeat", m_options.repeat, 1, kMostRepeats);
        m_options.tiled = arguments.has("tiled");
        readSizes();
        m_options.precision = arguments.value("dtype").value_or("auto");
        m_options.threads = m_context.program.threads;
        m_options.dataFolder = m_context.program.dataFolder;
        m_options.version = m_context.program.engineVersion;
        m_options.progress = [this](int64_t done) {
            m_context.console.progress(
                {.label = "Run",
                 .fraction = static_cast<double>(done) / static_cast<double>(m_options.repeat),
                 .step = done,
                 .steps = m_options.repeat});
        };
    }

    void tell(const core::BenchResult& result) const {
        const double speed = result.gflop / result.medianSeconds;
        m_context.console.event({{"event", "bench"},
                                 {"name", m_part},
                                 {"arch", m_arch},
                                 {"width", m_options.width},
                                 {"height", m_options.height},
                                 {"batch", m_options.batch},
                                 {"precision", result.precision},
                                 {"threads", result.threads},
                                 {"repeat", m_options.repeat},
                                 {"medianSeconds", result.medianSeconds},
                                 {"seconds", result.seconds},
                                 {"gflop", result.gflop},
                                 {"gflopPerSecond", speed},
                                 {"peakBytes", result.peakBytes},
                                 {"predictedSeconds", result.predictedSeconds},
                                 {"predictedPeakBytes", result.predictedPeakBytes},
                                 {"classes", classesOf(result)}});
    }

    static nlohmann::json classesOf(const core::BenchResult& result) {
        constexpr double kGiga = 1e-9;
        nlohmann::json classes = nlohmann::json::array();
        for (const auto& [name, time] : result.classes)
            classes.push_back({{"class", name},
                               {"ops", time.ops},
                               {"gflop", time.floatOperations * kGiga},
                               {"seconds", time.seconds},
                               {"predictedSeconds", time.predictedSeconds}});
        return classes;
    }

    static std::string peakText(const core::BenchResult& result) {
        return sizeText(result.peakBytes) + " (predicted " + sizeText(result.predictedPeakBytes) +
               ")";
    }

    std::vector<std::string> rowOf(const core::BenchResult& result) const {
        return {std::to_string(m_options.width) + " x " + std::to_string(m_options.height),
                numberText(result.medianSeconds, 4) + " s", numberText(result.gflop, 1),
                numberText(result.gflop / result.medianSeconds, 1), peakText(result)};
    }

    TextTable tableOf(const core::BenchResult& result) const {
        TextTable table({});
        table.addRow({"Bench", m_part + ", " + m_arch + ", " + std::to_string(m_options.width) +
                                   " x " + std::to_string(m_options.height) + ", batch " +
                                   std::to_string(m_options.batch) + ", " + result.precision +
                                   ", " + std::to_string(result.threads) + " threads"});
        table.addRow({"Median", numberText(result.medianSeconds, 4) + " s of " +
                                    std::to_string(m_options.repeat) + " runs (predicted " +
                                    numberText(result.predictedSeconds, 4) + " s)"});
        table.addRow({"Work", numberText(result.gflop, 1) + " GFLOP"});
        table.addRow({"Speed", numberText(result.gflop / result.medianSeconds, 1) + " GFLOP/s"});
        for (const auto& [name, time] : result.classes)
            table.addRow({"  " + name, numberText(time.seconds, 4) + " s (predicted " +
                                           numberText(time.predictedSeconds, 4) + " s), " +
                                           std::to_string(time.ops) + " ops"});
        table.addRow({"Peak memory", peakText(result)});
        return table;
    }

    static constexpr int64_t kMostPixels = 8192; // of a side

    const CommandContext& m_context;
    std::string m_part, m_arch;
    core::BenchOptions m_options;
    std::vector<int64_t> m_sizes; // of --sizes; empty: width and height
};

} // namespace

int runBenchCommand(const CommandContext& context) {
    return BenchCommand(context).run();
}

} // namespace kinora::app
