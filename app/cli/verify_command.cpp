// kinora verify: makes pictures again from what their files say, and compares the pixels.

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "app/cli/run_job.h"
#include "core/engine/upscale.h"
#include "core/library/file_hash.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/picture_difference.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"

#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;

constexpr double kCloseDecibels = 40;

enum class Verdict { Same, Close, Different, Cannot };

struct Comparison {
    Verdict verdict = Verdict::Cannot;
    double decibels = 0; // Close and Different, where the sizes agree
    std::string reason;  // Different and Cannot
    std::string advice;  // Cannot
};

struct Interrupted {};

std::string decibelText(double decibels) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "PSNR %.1f dB", decibels);
    return text.data();
}

std::string verdictName(Verdict verdict) {
    switch (verdict) {
    case Verdict::Same: return "same";
    case Verdict::Close: return "close";
    case Verdict::Different: return "different";
    case Verdict::Cannot: break;
    }
    return "cannot";
}

// The files given with --input; each is hashed once, when a picture first asks.
class Inputs {
  public:
    explicit Inputs(std::vector<std::string> paths) : m_paths(std::move(paths)) {}

    bool empty() const { return m_paths.empty(); }

    // The path of the file of that hash; empty where there is none. Throws Error{NotFound, BadFile,
    // Io} for a file that cannot be read.
    std::string find(const std::string& hash) {
        for (const std::string& path : m_paths) {
            auto known = m_hashes.find(path);
            if (known == m_hashes.end()) {
                const std::string digits = orThrow(core::FileHashes({}).hash(path));
                known = m_hashes.emplace(path, core::sha256Name(digits)).first;
            }
            if (known->second == hash) return path;
        }
        return {};
    }

  private:
    std::vector<std::string> m_paths;
    std::map<std::string, std::string> m_hashes;
};

// The files that a picture was made from besides the model; empty where there were none.
struct Sources {
    std::string latents, init, mask;
    std::vector<std::string> controls, adapters;
};

// The request that made the picture, on the model of that hash and from these files.
pipelines::ImageRequest requestOf(const core::Provenance& made, const core::ModelEntry& model,
                                  const Sources& sources) {
    pipelines::ImageRequest request = made.request;
    request.model = model.path.string();
    request.count = 1;
    request.batch = 1;
    request.precision = made.precision;
    request.device = "auto";
    request.previewEvery = 0;
    request.latentsPath = sources.latents;
    request.latentsIndex = sources.latents.empty() ? 0 : made.latentsIndex;
    request.initPath = sources.init;
    request.maskPath = sources.mask;
    request.controlImages = sources.controls;
    request.adapterImages = sources.adapters;
    request.saveLatentsPath.clear();
    return request;
}

// Names the files beside the model that the picture was made with by where they are here. -> why
// that cannot be, empty where all are found.
std::string findCompanions(const core::ModelLibrary& library, const core::Provenance& made,
                           Inputs& inputs, pipelines::ImageRequest& request) {
    const std::vector<core::CompanionPlace> places = core::companionPlaces(request);
    if (places.size() != made.files.size())
        return "it does not say the hashes of all files that it was made with";
    for (size_t i = 0; i < places.size(); ++i) {
        const core::UsedFile& file = made.files[i];
        if (places[i].kind == core::CompanionKind::Picture) {
            const std::string picture = inputs.find(file.hash);
            if (picture.empty())
                return "it looked at the picture " + file.name + "; give the one of hash " +
                       file.hash + " with --input";
            places[i].rename(fs::absolute(picture).string());
            continue;
        }
        const Result<fs::path> path = library.findCompanionByHash(places[i].kind, file.hash);
        if (!path)
            return std::string("its ") + core::companionKindName(places[i].kind) + ", " +
                   file.name + " (" + file.hash + "), is not here";
        places[i].rename(fs::absolute(*path).string());
    }
    return {};
}

// The upscalers that the picture went through afterwards, by where they are here. -> why that
// cannot be, empty where all are found.
std::string findUpscalers(const core::ModelLibrary& library, const core::Provenance& made,
                          std::vector<fs::path>& found) {
    for (const core::Enlargement& step : made.enlargements) {
        const Result<fs::path> path =
            library.findCompanionByHash(core::CompanionKind::Upscaler, step.upscaler.hash);
        if (!path)
            return "the upscaler that made it larger, " + step.upscaler.name + " (" +
                   step.upscaler.hash + "), is not here";
        found.push_back(*path);
    }
    return {};
}

core::Image makeAgain(const CommandContext& context, const pipelines::ImageRequest& request) {
    core::Image image;
    const auto handler = [&](const core::EngineEvent& event) -> Result<void> {
        if (const auto* picture = std::get_if<core::PictureEvent>(&event)) image = picture->image;
        if (const auto* step = std::get_if<core::StepEvent>(&event))
            context.console.progress({.label = "Step",
                                      .fraction = step->fraction(),
                                      .step = step->step,
                                      .steps = step->steps,
                                      .secondsPerStep = step->secondsPerStep,
                                      .secondsLeft = step->secondsLeft});
        return {};
    };
    const JobOutcome outcome = runJob(context.program.engine, request, context.interrupts, handler);
    context.console.endProgress();
    if (outcome.end == JobEnd::Cancelled) throw Interrupted{};
    if (outcome.end == JobEnd::Failed) throw *outcome.error;
    if (image.pixels.empty())
        throw Error(ErrorCode::Internal, "The engine ended without a picture.");
    return image;
}

// The picture as it is after it went through this format: what a lossy format, or one without
// alpha, makes of the same pixels.
core::Image throughFormat(const core::Image& image, const fs::path& like) {
    QTemporaryDir folder;
    if (!folder.isValid())
        throw Error(ErrorCode::Io, "No temporary folder can be made.", "Check TMPDIR.");
    core::SaveOptions options;
    options.format = orThrow(core::imageFormatFromPath(like));
    const fs::path path =
        fs::path(folder.path().toStdString()) / ("again" + like.extension().string());
    orThrow(core::saveImage(image, path, options));
    return orThrow(core::loadImage(path));
}

// What kinora upscale makes of the picture once it lies in a file.
core::Image enlarge(const CommandContext& context, const core::Image& picture,
                    const core::Enlargement& step, const fs::path& upscaler) {
    const fs::path like = "picture." + (step.source.empty() ? "png" : step.source);
    const core::Image stored = throughFormat(picture, like);
    core::UpscaleOptions options;
    options.upscaler = upscaler;
    options.precision = step.precision;
    options.tile = step.tile;
    options.threads = context.program.threads;
    CancelToken cancel = options.cancel; // shares the flag
    context.interrupts.setHandler([cancel]() mutable { cancel.cancel(); });
    std::optional<core::Upscaled> result =
        orThrow(core::upscalePicture(*context.program.backEndRegistry, stored, options));
    context.interrupts.setHandler({});
    if (!result) throw Interrupted{};
    return std::move(result->image);
}

Comparison compare(const core::Image& again, const core::Image& there, const fs::path& path) {
    if (core::pixelHash(again) == core::pixelHash(there)) return {Verdict::Same, 0, {}, {}};
    const core::Image stored = throughFormat(again, path);
    if (core::pixelHash(stored) == core::pixelHash(there)) return {Verdict::Same, 0, {}, {}};
    if (stored.width != there.width || stored.height != there.height ||
        stored.channels != there.channels)
        return {Verdict::Different,
                0,
                std::to_string(there.width) + " x " + std::to_string(there.height) + " with " +
                    std::to_string(there.channels) + " channels; again it is " +
                    std::to_string(stored.width) + " x " + std::to_string(stored.height) +
                    " with " + std::to_string(stored.channels),
                {}};
    const double decibels = core::peakSignalToNoise(stored, there);
    const bool close = decibels >= kCloseDecibels;
    return {close ? Verdict::Close : Verdict::Different,
            decibels,
            close ? std::string() : decibelText(decibels),
            {}};
}

Comparison withoutProvenance(const core::PictureInfo& info) {
    // Kinora's own first: beside it stands what other programs read, which is not enough.
    for (const auto& [name, value] : info.others)
        if (name == "Damaged metadata" && (info.madeWith.empty() || value.starts_with("of Kinora")))
            return {Verdict::Cannot, 0, "what it says of its making is damaged: " + value,
                    "Another program may have changed it; verify the file as it was made."};
    if (!info.madeWith.empty())
        return {Verdict::Cannot, 0, "it was made with " + info.madeWith + ", not with Kinora",
                "kinora info shows what it says; only Kinora's own pictures can be verified."};
    return {Verdict::Cannot, 0, "the file does not say how Kinora made it",
            "It may be another program's, or have lost its metadata on the way."};
}

// An error about the file itself names it; so does the line that it is told in.
std::string withoutName(const std::string& message, const fs::path& path) {
    const std::string name = core::shownPath(path) + ": ";
    return message.starts_with(name) ? message.substr(name.size()) : message;
}

// Fills sources; where one is not among the inputs, what to say of it.
std::optional<Comparison> findSources(const core::Provenance& made, Inputs& inputs,
                                      Sources& sources) {
    struct Source {
        const std::string& hash;
        std::string& path;
        const char* one; // "it began from a file of latents"
        const char* all; // "the latents that it began from"
    };
    sources.controls.resize(made.controlHashes.size());
    sources.adapters.resize(made.adapterHashes.size());
    std::vector<Source> all = {Source{made.latentsHash, sources.latents,
                                      "it began from a file of latents",
                                      "the latents that it began from"},
                               Source{made.initHash, sources.init, "it began from a picture",
                                      "the picture that it began from"},
                               Source{made.maskHash, sources.mask, "it was made with a mask",
                                      "the mask that it was made with"}};
    const auto addFollowed = [&all](const std::vector<std::string>& hashes,
                                    std::vector<std::string>& paths) {
        for (size_t i = 0; i < hashes.size(); ++i)
            all.push_back(
                {hashes[i], paths[i], "it followed a picture", "a picture that it followed"});
    };
    addFollowed(made.controlHashes, sources.controls);
    addFollowed(made.adapterHashes, sources.adapters);
    for (const Source& source : all) {
        if (source.hash.empty()) continue;
        source.path = inputs.find(source.hash);
        if (!source.path.empty()) continue;
        return Comparison{Verdict::Cannot, 0,
                          inputs.empty() ? std::string(source.one) + "; give the one of hash " +
                                               source.hash + " with --input"
                                         : "no file given with --input has the hash of " +
                                               std::string(source.all) + ", " + source.hash,
                          "Give the very file that was used then, unchanged."};
    }
    return std::nullopt;
}

// Metadata are hostile: what they say is not computed where it cannot have given this picture.
bool mayBeEnlarged(const core::Provenance& made, const core::Image& there) {
    constexpr int64_t kLeastSide = 8; // of what a model makes
    int64_t times = 1;
    for (const core::Enlargement& step : made.enlargements) {
        times *= std::max<int64_t>(step.scale, 1);
        if (times * kLeastSide > std::min(there.width, there.height)) return false;
    }
    return true;
}

Comparison verify(const CommandContext& context, const fs::path& path, Inputs& inputs) {
    const core::PictureInfo info = orThrow(core::readPictureInfo(path));
    if (!info.provenance) return withoutProvenance(info);
    const core::Provenance& made = *info.provenance;
    Sources sources;
    if (const auto missing = findSources(made, inputs, sources)) return *missing;
    const Result<core::ModelEntry> model = context.program.library.findByHash(made.modelHash);
    if (!model)
        return {Verdict::Cannot, 0,
                "its model, " + made.modelName + " (" + made.modelHash + "), is not here",
                model.error().advice()};
    if (made.engineVersion != context.program.engineVersion)
        context.console.detail(path.string() + " was made by " + made.engineVersion + "; this is " +
                               context.program.engineVersion + ".");
    pipelines::ImageRequest request = requestOf(made, *model, sources);
    if (const std::string missing = findCompanions(context.program.library, made, inputs, request);
        !missing.empty())
        return {Verdict::Cannot, 0, missing, "Add its folder with --models."};
    std::vector<fs::path> upscalers;
    if (const std::string missing = findUpscalers(context.program.library, made, upscalers);
        !missing.empty())
        return {Verdict::Cannot, 0, missing, "Add its folder with --models."};
    const core::Image there = orThrow(core::loadImage(path));
    if (!mayBeEnlarged(made, there))
        return {Verdict::Cannot, 0, "its metadata say that it was enlarged beyond its size",
                "Another program may have made it smaller; verify the file as it was made."};
    core::Image again = makeAgain(context, request);
    for (size_t i = 0; i < upscalers.size(); ++i)
        again = enlarge(context, again, made.enlargements[i], upscalers[i]);
    return compare(again, there, path);
}

void tell(const CommandContext& context, const fs::path& path, const Comparison& result) {
    nlohmann::ordered_json event = {
        {"event", "verify"}, {"file", path.string()},   {"verdict", verdictName(result.verdict)},
        {"psnr", nullptr},   {"reason", result.reason}, {"hint", result.advice}};
    if (result.decibels > 0 && std::isfinite(result.decibels)) event["psnr"] = result.decibels;
    context.console.event(event);
    std::string line = path.string() + ": ";
    switch (result.verdict) {
    case Verdict::Same: line += "same"; break;
    case Verdict::Close: line += "close (" + decibelText(result.decibels) + ")"; break;
    case Verdict::Different: line += "different (" + result.reason + ")"; break;
    case Verdict::Cannot: line += "cannot be verified: " + result.reason; break;
    }
    if (result.verdict == Verdict::Cannot)
        context.console.complaint(result.advice.empty() ? line : line + "\n" + result.advice);
    else
        context.console.data(printable(line));
}

} // namespace

int runVerifyCommand(const CommandContext& context) {
    bool different = false, cannot = false;
    Inputs inputs(context.arguments.values("input"));
    for (const std::string& file : context.arguments.positional) {
        Comparison result;
        try {
            result = verify(context, file, inputs);
        } catch (const Error& error) {
            result = {Verdict::Cannot, 0, withoutName(error.message(), file), error.advice()};
            if (exitCodeFor(error.code()) == kExitTryAgain) throw;
        } catch (const Interrupted&) {
            context.console.event({{"event", "cancelled"}});
            context.console.remark("Cancelled.");
            return kExitInterrupted;
        }
        tell(context, file, result);
        different = different || result.verdict == Verdict::Different;
        cannot = cannot || result.verdict == Verdict::Cannot;
    }
    if (different) return kExitFailed;
    return cannot ? kExitUsage : kExitDone;
}

} // namespace kinora::app
