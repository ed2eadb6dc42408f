// model_index.json of a model folder, with everything else in place.

#include "pipelines/weights/model.h"
#include "tests/fuzz/fuzz_folder.h"

using namespace kinora;

namespace {

// The smallest files beside it.
struct ModelFiles {
    fuzz::Folder folder;
    ModelFiles() {
        for (const char* file : {"unet/config.json", "vae/config.json", "text_encoder/config.json",
                                 "scheduler/scheduler_config.json", "tokenizer/vocab.json"}) {
            folder.write(file, "{}");
        }
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const ModelFiles files;
    files.folder.write("model_index.json", fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        auto model = pipelines::Model::open(files.folder.path());
        for (const char* component : {"unet", "vae", "text_encoder", "tokenizer", "scheduler"}) {
            fuzz::require(model.has(component) && !model.className(component).empty(),
                          "a folder that opens has every part");
        }
    });
    return 0;
}
