#pragma once
// What a person asks for: one picture, or several that differ in their seed. A plain value; the
// names, ranges, units, defaults and help of its fields stand in parameters.h and nowhere else.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kinora::pipelines {

struct ImageRequest {
    std::string model; // name, folder or file; empty: the starter model
    std::string prompt;
    std::string negative;
    std::vector<std::string>
        loras; // "name-or-file[:weight[:text weight]][:lbw=blocks]", as lora_choice.h reads it
    std::vector<std::string> embeddings;   // "name-or-file[:word]", as embedding_choice.h reads it
    std::string promptEmbeddings = "auto"; // words of the prompt that name files: auto, off

    // Nets that steer by a picture, each "name-or-file[:weight[:begin[:end]]]" as control_choice.h
    // reads it. Entry i of the other lists belongs to entry i.
    std::vector<std::string> controls;       // ControlNets
    std::vector<std::string> controlPrepare; // what is done to the picture first; none: nothing
    std::optional<std::string> controlGuess; // "on": by the picture even without a prompt
    std::vector<std::string> adapters;       // T2I-Adapters
    std::vector<std::string> adapterPrepare;

    // "adapter:picture[:weight]", as ip_adapter_choice.h reads it: pictures beside the prompt.
    std::vector<std::string> ipAdapters;
    std::optional<std::string> imageEncoder; // that they look through; unset: the one that fits

    std::optional<std::string> vae; // name, folder or file of another one; unset: the model's own

    std::optional<std::string> refiner; // another model that goes on; unset: none
    std::optional<double> refinerAt;    // from this share of the noise levels on

    // Unset: what the model says (kinora.json, then its configs), then the table's default.
    std::optional<int64_t> steps;
    std::optional<std::string> sampler;
    std::optional<std::string> schedule;
    std::optional<double> cfg;
    std::optional<double> guidanceRescale;
    // Perturbed-attention guidance: away from what is seen without self-attention in some layers.
    std::optional<double> pag;            // how strongly; unset or 0: not at all
    std::optional<double> pagAdaptive;    // how fast that falls with the steps
    std::optional<std::string> pagLayers; // "mid,down.1" (attention_layers.h); unset: mid
    std::optional<std::string> freeU;     // "b1:b2:s1:s2" (free_u.h); unset: off
    std::optional<int64_t> width;
    std::optional<int64_t> height;
    // What a model that is told sizes (SDXL) believes of the picture it learnt from; unset: a
    // picture of this size, not cropped.
    std::optional<int64_t> originalWidth, originalHeight, cropLeft, cropTop, targetWidth,
        targetHeight;
    // Of 10, how good the picture is said to be to a model that listens (SDXL's refiner).
    std::optional<double> aestheticScore, negativeAestheticScore;

    // Of runs from a picture. Unset: what fits the model (resolve_request.h).
    std::optional<double> strength;       // share of the steps that are taken
    std::optional<double> imageCfg;       // how close an edited picture stays
    std::optional<std::string> outpaint;  // "left,top,right,bottom", as outpaint_margins.h reads it
    std::optional<std::string> pasteBack; // of what a mask keeps, its own pixels: on, off
    std::optional<int64_t> maskBlur;      // pixels, how softly they meet what is made anew

    std::optional<double> hires;         // the picture is made this much larger in a second pass
    std::optional<int64_t> hiresSteps;   // of that pass; unset: as many as of the first
    std::optional<double> hiresStrength; // how much it makes anew
    // Upscalers, name or file: what enlarges the first pass's picture, what enlarges the last one.
    std::optional<std::string> hiresUpscaler, upscaler;
    // Pictures larger than the model: pixels of a window that the denoiser sees, and from one
    // window to the next; unset: the whole at once.
    std::optional<int64_t> denoiseTile, denoiseStride;

    std::optional<int64_t> seed;       // unset: drawn at random below 2^32 when the job starts
    int64_t count = 1;                 // picture i has seed + i
    int64_t batch = 0;                 // how many at once; 0: the plan decides
    double eta = 0.0;                  // noise share of DDIM and TCD
    int64_t clipSkip = 0;              // 0: as the model says; 1 last layer, 2 the one before
    std::string prediction = "auto";   // what the denoiser predicts; auto: as the model says
    std::string promptSyntax = "auto"; // how prompts are read: auto, a1111, comfy, plain
    std::string noise = "torch-cpu";
    std::string precision = "auto";
    std::string device = "auto";
    std::string background = "transparent";
    std::string tiling = "auto"; // of the VAE; auto: the plan decides

    // Not part of how a picture looks: never in its metadata.
    int64_t previewEvery = 0;     // steps between previews; 0: none
    std::string preview = "auto"; // what makes them: auto, fast, tiny
    std::string latentsPath;      // start from this noise
    int64_t latentsIndex = 0;     // picture i starts from entry latentsIndex + i of that file
    std::string saveLatentsPath;
    std::string initPath;                   // the picture that the run begins from
    std::string maskPath;                   // white where it is made anew
    std::vector<std::string> controlImages; // one for each ControlNet
    std::vector<std::string> adapterImages; // one for each T2I-Adapter
};

// A part of the picture that it begins from is kept, and the rest made anew.
inline bool hasMask(const ImageRequest& request) {
    return !request.maskPath.empty() || request.outpaint;
}

} // namespace kinora::pipelines
