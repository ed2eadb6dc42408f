#include "pipelines/request/parameters.h"

#include "pipelines/request/control_parameters.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/request/guidance_parameters.h"
#include "pipelines/request/ip_adapter_choice.h"
#include "pipelines/request/lora_choice.h"
#include "pipelines/request/outpaint_margins.h"
#include "pipelines/request/parameter_limits.h"
#include "pipelines/request/size_parameters.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace kinora::pipelines {

namespace {

constexpr double kMostPromptBytes = 100'000;
constexpr double kMostLatentsIndex = 1'000'000;
// Beyond int64 by one: every seed that the type can hold passes the comparison.
constexpr double kMostSeed = 9'223'372'036'854'775'808.0;

std::string_view backgroundRule(std::string_view value) {
    constexpr std::string_view expected = "white, transparent or a colour as #rrggbb";
    if (value == "white" || value == "transparent") return {};
    const bool colour = value.size() == 7 && value[0] == '#' &&
                        std::all_of(value.begin() + 1, value.end(),
                                    [](unsigned char c) { return std::isxdigit(c) != 0; });
    return colour ? std::string_view{} : expected;
}

std::string_view deviceRule(std::string_view value) {
    return value.empty() ? "auto or cpu" : std::string_view{};
}

std::string_view loraRule(std::string_view value) {
    return parseLoraChoice(value) ? std::string_view{}
                                  : "NAME, NAME:WEIGHT or NAME:WEIGHT:TEXT_WEIGHT, weights from "
                                    "-100 to 100, then if need be :lbw= with 12, 17, 20 or 26 "
                                    "numbers or a name as ALL, INALL or OUTALL";
}

std::string_view embeddingRule(std::string_view value) {
    return parseEmbeddingChoice(value) ? std::string_view{} : "NAME or NAME:WORD";
}

std::string_view ipAdapterRule(std::string_view value) {
    return parseIpAdapterChoice(value)
               ? std::string_view{}
               : "ADAPTER:PICTURE or ADAPTER:PICTURE:WEIGHT, the weight from -10 to 10";
}

std::string_view outpaintRule(std::string_view value) {
    return parseOutpaintMargins(value) ? std::string_view{}
                                       : "LEFT,TOP,RIGHT,BOTTOM: pixels from 0 to 4096, not all 0";
}

std::vector<Parameter> textParameters() {
    return {
        {.name = "model",
         .option = "model",
         .label = "Model",
         .help = "Name, diffusers folder or checkpoint file of the model",
         .unit = "",
         .field = &ImageRequest::model,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::string()},
        {.name = "vae",
         .option = "vae",
         .label = "VAE",
         .help = "Name, folder or file of another VAE; unset, the model's own",
         .unit = "",
         .field = &ImageRequest::vae,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
        {.name = "prompt",
         .option = "prompt",
         .label = "Prompt",
         .help = "What the picture shows",
         .unit = "",
         .field = &ImageRequest::prompt,
         .role = ParameterRole::Result,
         .maximum = kMostPromptBytes,
         .fallback = std::string()},
        {.name = "negative",
         .option = "negative",
         .label = "Negative prompt",
         .help = "What to steer away from",
         .unit = "",
         .field = &ImageRequest::negative,
         .role = ParameterRole::Result,
         .maximum = kMostPromptBytes,
         .fallback = std::string()},
        {.name = "lora",
         .option = "lora",
         .label = "LoRA",
         .help = "LoRA by name or file, weights of denoiser and text, of blocks by :lbw=",
         .unit = "",
         .field = &ImageRequest::loras,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate(),
         .rule = loraRule},
        {.name = "ipAdapter",
         .option = "ip-adapter",
         .label = "Picture prompt",
         .help = "IP-Adapter by name or file, the picture that it looks at, and its weight",
         .unit = "",
         .field = &ImageRequest::ipAdapters,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate(),
         .rule = ipAdapterRule},
        {.name = "imageEncoder",
         .option = "image-encoder",
         .label = "Picture encoder",
         .help = "CLIP's picture encoder for IP-Adapters; unset, the one here that fits",
         .unit = "",
         .field = &ImageRequest::imageEncoder,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
    };
}

// How the texts are read.
std::vector<Parameter> languageParameters() {
    return {
        {.name = "embedding",
         .option = "embedding",
         .label = "Embedding",
         .help = "Textual inversion by name or file, and the word of the prompt that it is",
         .unit = "",
         .field = &ImageRequest::embeddings,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate(),
         .rule = embeddingRule},
        {.name = "promptEmbeddings",
         .option = "prompt-embeddings",
         .label = "Embeddings in prompts",
         .help = "Whether names of embeddings in the prompt stand for them; off: only --embedding",
         .unit = "",
         .field = &ImageRequest::promptEmbeddings,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "off"}},
        {.name = "promptSyntax",
         .option = "prompt-syntax",
         .label = "Prompt syntax",
         .help = "Language of the prompts: a1111, comfy, plain; auto: a1111 where they use it",
         .unit = "",
         .field = &ImageRequest::promptSyntax,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "a1111", "comfy", "plain"}},
    };
}

// The names of samplers and schedules stand here and not in pipelines/schedulers, because a request
// is checked, shown and stored by code that does not link the schedulers (and the schedulers may
// use the request, not the other way round). A test of the scheduler registry holds the two equal;
// which sampler can follow which schedule is the registry's to say, when a scheduler is made.
std::vector<Parameter> samplingParameters() {
    return {
        {.name = "steps",
         .option = "steps",
         .label = "Steps",
         .help = "How many denoising steps; more is finer and slower",
         .unit = "",
         .field = &ImageRequest::steps,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = 1000,
         .fallback = int64_t{20}},
        {.name = "sampler",
         .option = "sampler",
         .label = "Sampler",
         .help = "Update rule, also as A1111 or ComfyUI call it; unset, the model's",
         .unit = "",
         .field = &ImageRequest::sampler,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .choices = {"ddim", "ddpm", "pndm", "lms", "euler", "euler_a", "heun", "dpm2", "dpm2_a",
                     "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "deis", "unipc", "lcm", "tcd"}},
        {.name = "schedule",
         .option = "schedule",
         .label = "Sigma schedule",
         .help = "How noise levels are spaced over the steps; normal is the model's own",
         .unit = "",
         .field = &ImageRequest::schedule,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("normal"),
         .choices = {"normal", "karras", "exponential", "beta", "sgm_uniform", "simple",
                     "align_your_steps"}},
        {.name = "cfg",
         .option = "cfg",
         .label = "Guidance scale",
         .help = "How strongly the prompt is followed; 1 and below: no guidance",
         .unit = "",
         .field = &ImageRequest::cfg,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 100,
         .fallback = 7.5},
        {.name = "guidanceRescale",
         .option = "guidance-rescale",
         .label = "Guidance rescale",
         .help = "Pulls contrast back that strong guidance adds; 0: none, 1: all",
         .unit = "",
         .field = &ImageRequest::guidanceRescale,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 1,
         .fallback = 0.0},
        {.name = "eta",
         .option = "eta",
         .label = "Eta",
         .help = "Share of fresh noise in each step of DDIM and TCD",
         .unit = "",
         .field = &ImageRequest::eta,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 1,
         .fallback = 0.0},
    };
}

// How much a picture that is begun from counts.
std::vector<Parameter> startParameters() {
    return {
        {.name = "strength",
         .option = "strength",
         .label = "Strength",
         .help = "How much of --init is made anew; unset 0.75, with a mask 1",
         .unit = "",
         .field = &ImageRequest::strength,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 1,
         .fallback = std::monostate()},
        {.name = "imageCfg",
         .option = "image-cfg",
         .label = "Picture guidance",
         .help = "How close models that edit stay to --init; unset 1.5",
         .unit = "",
         .field = &ImageRequest::imageCfg,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = 100,
         .fallback = std::monostate()},
        {.name = "outpaint",
         .option = "outpaint",
         .label = "Outpaint",
         .help = "Pixels that are added to --init: left,top,right,bottom",
         .unit = "px",
         .field = &ImageRequest::outpaint,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .rule = outpaintRule},
        {.name = "pasteBack",
         .option = "paste-back",
         .label = "Paste back",
         .help = "What a mask keeps has exactly its own pixels; unset, on",
         .unit = "",
         .field = &ImageRequest::pasteBack,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::monostate(),
         .choices = {"on", "off"}},
        {.name = "maskBlur",
         .option = "mask-blur",
         .label = "Mask blur",
         .help = "How softly these pixels meet what is made anew; unset, 4",
         .unit = "px",
         .field = &ImageRequest::maskBlur,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 64,
         .fallback = std::monostate()},
    };
}

// What follows a first model or a first pass, and how much of a picture is seen at once.
std::vector<Parameter> passParameters() {
    return {
        {.name = "refiner",
         .option = "refiner",
         .label = "Refiner",
         .help = "Name, folder or file of a second model that finishes the picture",
         .unit = "",
         .field = &ImageRequest::refiner,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
        {.name = "refinerAt",
         .option = "refiner-at",
         .label = "Refiner from",
         .help = "Share of the noise levels after which the refiner goes on; unset, 0.8",
         .unit = "",
         .field = &ImageRequest::refinerAt,
         .role = ParameterRole::Result,
         .minimum = 0.01,
         .maximum = 0.99,
         .fallback = std::monostate()},
        {.name = "hires",
         .option = "hires",
         .label = "Second pass",
         .help = "Make the picture this many times larger in a second pass",
         .unit = "",
         .field = &ImageRequest::hires,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = 4,
         .fallback = std::monostate()},
        {.name = "hiresSteps",
         .option = "hires-steps",
         .label = "Steps of second pass",
         .help = "Steps of the second pass; unset, as many as of the first",
         .unit = "",
         .field = &ImageRequest::hiresSteps,
         .role = ParameterRole::Result,
         .minimum = 1,
         .maximum = 1000,
         .fallback = std::monostate()},
        {.name = "hiresStrength",
         .option = "hires-strength",
         .label = "Strength of second pass",
         .help = "How much the second pass makes anew; unset, 0.5",
         .unit = "",
         .field = &ImageRequest::hiresStrength,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 1,
         .fallback = std::monostate()},
        {.name = "denoiseTile",
         .option = "denoise-tile",
         .label = "Denoise in windows",
         .help = "Window that the denoiser sees of pictures too large for it; unset, all",
         .unit = "px",
         .field = &ImageRequest::denoiseTile,
         .role = ParameterRole::Result,
         .minimum = 64,
         .maximum = 8192,
         .multipleOf = 64,
         .fallback = std::monostate()},
        {.name = "denoiseStride",
         .option = "denoise-stride",
         .label = "Window stride",
         .help = "From one window to the next; unset, half a window",
         .unit = "px",
         .field = &ImageRequest::denoiseStride,
         .role = ParameterRole::Result,
         .minimum = 8,
         .maximum = 8192,
         .multipleOf = 8,
         .fallback = std::monostate()},
    };
}

// What makes pictures larger by a network of its own.
std::vector<Parameter> upscalerParameters() {
    return {
        {.name = "hiresUpscaler",
         .option = "hires-upscaler",
         .label = "Upscaler of second pass",
         .help = "Upscaler by name or file, before the second pass; unset, a plain filter",
         .unit = "",
         .field = &ImageRequest::hiresUpscaler,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
        {.name = "upscaler",
         .option = "upscaler",
         .label = "Upscaler",
         .help = "Upscaler by name or file that makes the finished picture larger",
         .unit = "",
         .field = &ImageRequest::upscaler,
         .role = ParameterRole::Result,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
    };
}

// How the model's own parts are used.
std::vector<Parameter> networkParameters() {
    return {
        {.name = "clipSkip",
         .option = "clip-skip",
         .label = "CLIP skip",
         .help = "Text encoder layer to use: 1 the last, 2 the one before; 0 as the model says",
         .unit = "",
         .field = &ImageRequest::clipSkip,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = 32,
         .fallback = int64_t{0}},
        {.name = "tiling",
         .option = "tiling",
         .label = "VAE in tiles",
         .help = "VAE in tiles: less memory, not quite the same pixels; auto: where it must",
         .unit = "",
         .field = &ImageRequest::tiling,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "on", "off"}},
        {.name = "prediction",
         .option = "prediction",
         .label = "Prediction type",
         .help = "What the denoiser predicts, where a checkpoint does not say it or is wrong",
         .unit = "",
         .field = &ImageRequest::prediction,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "epsilon", "v_prediction"}},
    };
}

std::vector<Parameter> pictureParameters() {
    return {
        {.name = "width",
         .option = "width",
         .label = "Width",
         .help = "Width of the picture; unset, the model's own",
         .unit = "px",
         .field = &ImageRequest::width,
         .role = ParameterRole::Result,
         .minimum = 8,
         .maximum = 8192,
         .multipleOf = 8,
         .fallback = std::monostate()},
        {.name = "height",
         .option = "height",
         .label = "Height",
         .help = "Height of the picture; unset, the model's own",
         .unit = "px",
         .field = &ImageRequest::height,
         .role = ParameterRole::Result,
         .minimum = 8,
         .maximum = 8192,
         .multipleOf = 8,
         .fallback = std::monostate()},
        {.name = "seed",
         .option = "seed",
         .label = "Seed",
         .help = "Number that the noise starts from; unset, drawn at random and reported",
         .unit = "",
         .field = &ImageRequest::seed,
         .role = ParameterRole::Result,
         .minimum = 0,
         .maximum = kMostSeed,
         .fallback = std::monostate()},
        {.name = "noise",
         .option = "noise",
         .label = "Noise",
         .help = "Whose random numbers: PyTorch's on the CPU, or those of its CUDA generator",
         .unit = "",
         .field = &ImageRequest::noise,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("torch-cpu"),
         .choices = {"torch-cpu", "philox"}},
        {.name = "background",
         .option = "background",
         .label = "Background",
         .help = "Behind pictures of models with alpha: white, transparent or #rrggbb",
         .unit = "",
         .field = &ImageRequest::background,
         .role = ParameterRole::Result,
         .maximum = kMostNameBytes,
         .fallback = std::string("transparent"),
         .rule = backgroundRule},
    };
}

std::vector<Parameter> runningParameters() {
    return {
        {.name = "count",
         .option = "count",
         .label = "Count",
         .help = "How many pictures; each takes the next seed",
         .unit = "",
         .field = &ImageRequest::count,
         .role = ParameterRole::Running,
         .minimum = 1,
         .maximum = 10'000,
         .fallback = int64_t{1}},
        {.name = "batch",
         .option = "batch",
         .label = "Batch",
         .help = "How many pictures are made at once; 0: the plan decides",
         .unit = "",
         .field = &ImageRequest::batch,
         .role = ParameterRole::Running,
         .minimum = 0,
         .maximum = 256,
         .fallback = int64_t{0}},
        {.name = "precision",
         .option = "precision",
         .label = "Precision",
         .help = "Number format to compute in; auto picks what the device is fast at",
         .unit = "",
         .field = &ImageRequest::precision,
         .role = ParameterRole::Running,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "f32", "bf16"}},
        {.name = "device",
         .option = "device",
         .label = "Device",
         .help = "What computes: auto or cpu",
         .unit = "",
         .field = &ImageRequest::device,
         .role = ParameterRole::Running,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .rule = deviceRule},
    };
}

std::vector<Parameter> previewParameters() {
    return {
        {.name = "previewEvery",
         .option = "preview-every",
         .label = "Preview every",
         .help = "Steps between previews; 0: none",
         .unit = "steps",
         .field = &ImageRequest::previewEvery,
         .role = ParameterRole::Output,
         .minimum = 0,
         .maximum = 1000,
         .fallback = int64_t{0}},
        {.name = "preview",
         .option = "preview",
         .label = "Previews",
         .help =
             "Sharp by a TAESD among the models, or colours alone; auto: sharp if that is cheap",
         .unit = "",
         .field = &ImageRequest::preview,
         .role = ParameterRole::Output,
         .maximum = kMostNameBytes,
         .fallback = std::string("auto"),
         .choices = {"auto", "fast", "tiny"}},
    };
}

std::vector<Parameter> outputParameters() {
    return {
        {.name = "latents",
         .option = "latents",
         .label = "Start latents",
         .help = "Safetensors file with the noise to start from, tensor latents [N,C,h,w]",
         .unit = "",
         .field = &ImageRequest::latentsPath,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::string()},
        {.name = "latentsIndex",
         .option = "latents-index",
         .label = "Start latents index",
         .help = "Entry of the start latents that the first picture begins from",
         .unit = "",
         .field = &ImageRequest::latentsIndex,
         .role = ParameterRole::Output,
         .minimum = 0,
         .maximum = kMostLatentsIndex,
         .fallback = int64_t{0}},
        {.name = "saveLatents",
         .option = "save-latents",
         .label = "Save latents",
         .help = "File for the final latents, before decoding",
         .unit = "",
         .field = &ImageRequest::saveLatentsPath,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::string()},
        {.name = "init",
         .option = "init",
         .label = "Start picture",
         .help = "Picture to begin from; it is scaled to the size of the result",
         .unit = "",
         .field = &ImageRequest::initPath,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::string()},
        {.name = "mask",
         .option = "mask",
         .label = "Mask",
         .help = "Picture that is white where --init is made anew and black where it is kept",
         .unit = "",
         .field = &ImageRequest::maskPath,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::string()},
        {.name = "controlImage",
         .option = "control-image",
         .label = "ControlNet picture",
         .help = "Picture that the ControlNet before it follows; scaled to the result",
         .unit = "",
         .field = &ImageRequest::controlImages,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
        {.name = "adapterImage",
         .option = "adapter-image",
         .label = "T2I-Adapter picture",
         .help = "Picture that the T2I-Adapter before it follows; scaled to the result",
         .unit = "",
         .field = &ImageRequest::adapterImages,
         .role = ParameterRole::Output,
         .maximum = kMostPathBytes,
         .fallback = std::monostate()},
    };
}

std::vector<Parameter> allParameters() {
    std::vector<Parameter> table;
    for (auto part : {textParameters, controlParameters, languageParameters, samplingParameters,
                      guidanceParameters, startParameters, passParameters, upscalerParameters,
                      networkParameters, pictureParameters, sizeParameters, scoreParameters,
                      runningParameters, previewParameters, outputParameters})
        std::ranges::move(part(), std::back_inserter(table));
    return table;
}

} // namespace

std::span<const Parameter> imageParameters() {
    static const std::vector<Parameter> table = allParameters();
    return table;
}

bool isList(const Parameter& parameter) {
    return std::holds_alternative<std::vector<std::string> ImageRequest::*>(parameter.field);
}

const Parameter* findImageParameter(std::string_view name) {
    const auto table = imageParameters();
    const auto found = std::ranges::find(table, name, &Parameter::name);
    return found == table.end() ? nullptr : &*found;
}

} // namespace kinora::pipelines
