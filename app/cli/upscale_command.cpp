// kinora upscale: makes a picture larger.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/output_names.h"
#include "core/engine/upscale.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"

#include <nlohmann/json.hpp>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

class UpscaleCommand {
  public:
    explicit UpscaleCommand(const CommandContext& context)
        : m_context(context), m_console(context.console),
          m_input(context.arguments.positional.at(0)) {}

    int run() {
        readOptions();
        const core::Image picture = orThrow(core::loadImage(m_input));
        const core::UpscalePlan plan =
            orThrow(core::planUpscale(*m_context.program.backEndRegistry, picture, m_options));
        m_options.tile = plan.tile; // what the metadata will say, whatever becomes of the memory
        planOutput(plan);
        tellPlan(plan);
        if (m_context.arguments.has("dry-run")) return kExitDone;
        const std::optional<core::Provenance> provenance = provenanceAfter(plan);
        CancelToken cancel = m_options.cancel; // shares the flag
        m_context.interrupts.setHandler([cancel]() mutable { cancel.cancel(); });
        const std::optional<core::Upscaled> result =
            orThrow(core::upscalePicture(*m_context.program.backEndRegistry, picture, m_options));
        m_context.interrupts.setHandler({});
        m_console.endProgress();
        if (!result) {
            m_console.event({{"event", "cancelled"}});
            m_console.remark("Cancelled.");
            return kExitInterrupted;
        }
        save(*result, provenance);
        return kExitDone;
    }

  private:
    void readOptions() {
        const Arguments& arguments = m_context.arguments;
        const std::optional<std::string> name = arguments.value("model");
        if (!name)
            throw Error(ErrorCode::InvalidArgument, "--model: an upscaler has to be named.",
                        "kinora models lists those that are here; a file can be given, too.");
        m_options.upscaler =
            orThrow(m_context.program.library.findCompanion(core::CompanionKind::Upscaler, *name));
        m_options.tile =
            arguments.integer("tile", 0, core::kLeastUpscaleTile, core::kMostUpscaleTile);
        m_options.precision = arguments.value("precision").value_or("auto");
        m_options.threads = m_context.program.threads;
        m_options.progress = [this](int64_t done, int64_t of, double secondsLeft) {
            m_console.event(
                {{"event", "tile"}, {"tile", done}, {"of", of}, {"etaSeconds", secondsLeft}});
            m_console.progress({.label = "Tile",
                                .fraction = static_cast<double>(done) / static_cast<double>(of),
                                .step = done,
                                .steps = of,
                                .secondsLeft = secondsLeft});
        };
    }

    void planOutput(const core::UpscalePlan& plan) {
        const Arguments& arguments = m_context.arguments;
        const std::string stem = m_input.stem().string();
        const std::string suffix = "-" + std::to_string(plan.scale) + "x";
        OutputRequest request;
        request.output = arguments.value("output");
        request.format = arguments.value("format");
        request.overwrite = arguments.has("overwrite");
        // In a pattern the fields are the picture's; elsewhere it is named by what it was.
        const bool pattern = request.output && request.output->find('{') != std::string::npos;
        const std::optional<core::PictureInfo> info =
            pattern ? std::optional(orThrow(core::readPictureInfo(m_input))) : std::nullopt;
        const pipelines::ImageRequest* made = info && info->request ? &*info->request : nullptr;
        if (pattern && !made && request.output->find("{seed}") != std::string::npos)
            throw Error(ErrorCode::InvalidArgument,
                        m_input.string() + " does not say its seed, which --output asks for.",
                        "Leave {seed} out.");
        request.prompt = made ? made->prompt : stem + (pattern ? "" : suffix);
        request.seed = made ? made->seed.value_or(0) : 0;
        request.model = core::companionName(m_options.upscaler);
        request.defaultFolder = m_context.program.outputFolder;
        std::error_code ignored;
        if (!request.output)
            request.output = (request.defaultFolder / "{prompt}").string();
        else if (fs::is_directory(*request.output, ignored))
            request.output = (fs::path(*request.output) / "{prompt}").string();
        m_names = planOutputs(request);
    }

    void tellPlan(const core::UpscalePlan& plan) const {
        m_console.event({{"event", "upscalePlan"},
                         {"kind", plan.kind},
                         {"scale", plan.scale},
                         {"width", plan.width},
                         {"height", plan.height},
                         {"tile", plan.tile},
                         {"precision", plan.precision},
                         {"threads", plan.threads},
                         {"predictedPeakBytes", plan.predictedPeakBytes}});
        const std::string text =
            plan.kind + ", " + std::to_string(plan.scale) + "x: " + std::to_string(plan.width) +
            " x " + std::to_string(plan.height) + " in tiles of " + std::to_string(plan.tile) +
            ", " + plan.precision + ", " + std::to_string(plan.threads) + " threads, " +
            sizeText(plan.predictedPeakBytes) + " of memory";
        if (m_context.arguments.has("dry-run"))
            m_console.data(text);
        else
            m_console.detail(text);
    }

    // How the picture was made, and that it is enlarged now; nullopt where it does not say.
    std::optional<core::Provenance> provenanceAfter(const core::UpscalePlan& plan) const {
        if (m_context.arguments.has("no-metadata")) return std::nullopt;
        const core::PictureInfo info = orThrow(core::readPictureInfo(m_input));
        if (!info.provenance) {
            m_console.remark(m_input.string() +
                             " does not say how Kinora made it, so neither does the result.");
            return std::nullopt;
        }
        core::Provenance provenance = *info.provenance;
        const std::string hash =
            orThrow(m_context.program.library.fileHash(m_options.upscaler, m_options.cancel));
        provenance.enlargements.push_back({{core::companionName(m_options.upscaler), hash},
                                           plan.scale,
                                           plan.precision,
                                           plan.tile,
                                           info.format == "png" ? "" : info.format});
        return provenance;
    }

    void save(const core::Upscaled& result,
              const std::optional<core::Provenance>& provenance) const {
        for (const std::string& warning : result.warnings) m_console.warning(warning);
        const fs::path& path = m_names.paths.front();
        for (const fs::path& folder : m_names.folders) {
            if (folder.empty()) continue; // where we are
            std::error_code error;
            fs::create_directories(folder, error);
            if (error)
                throw Error(ErrorCode::Io,
                            folder.string() + ": the folder cannot be made: " + error.message(),
                            "Give another --output.");
        }
        core::SaveOptions options;
        options.format = m_names.format;
        options.overwrite =
            m_context.arguments.has("overwrite") ? core::Overwrite::Yes : core::Overwrite::No;
        options.provenance = provenance;
        orThrow(core::saveImage(result.image, path, options));
        m_console.event({{"event", "upscale"},
                         {"file", path.string()},
                         {"width", result.plan.width},
                         {"height", result.plan.height},
                         {"scale", result.plan.scale},
                         {"tile", result.plan.tile},
                         {"precision", result.plan.precision},
                         {"seconds", result.seconds},
                         {"peakBytes", result.peakBytes},
                         {"sha256", storedHash(result.image, path)}});
        m_console.data(path.string());
        m_console.detail(durationText(result.seconds));
    }

    const CommandContext& m_context;
    Console& m_console;
    fs::path m_input;
    core::UpscaleOptions m_options;
    OutputNames m_names;
};

} // namespace

int runUpscaleCommand(const CommandContext& context) {
    return UpscaleCommand(context).run();
}

} // namespace kinora::app
