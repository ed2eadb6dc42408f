// What ComfyUI and InvokeAI write, well-formed and not.

#include "core/media/foreign_metadata.h"
#include "tests/core/media/json_literal.h"

#include <QTest>

#include <algorithm>
#include <string>

using namespace kinora;
using namespace kinora::core;
using samples::json;

namespace {

const std::string kGraph = json(
    "{ "
    "'3': {'class_type': 'KSampler', 'inputs': {'seed': 156680208700286, 'steps': 20, 'cfg': 8.0, "
    "'sampler_name': 'dpmpp_2m', 'scheduler': 'karras', 'denoise': 1.0, 'model': ['10', 0], "
    "'positive': ['6', 0], 'negative': ['7', 0], 'latent_image': ['5', 0]}}, "
    "'4': {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': "
    "'sd15\\\\v1-5.safetensors'}}, "
    "'5': {'class_type': 'EmptyLatentImage', 'inputs': {'width': 512, 'height': 768, 'batch_size': "
    "1}}, "
    "'6': {'class_type': 'CLIPTextEncode', 'inputs': {'text': ['11', 0], 'clip': ['10', 1]}}, "
    "'7': {'class_type': 'CLIPTextEncode', 'inputs': {'text': 'text, watermark', 'clip': ['4', "
    "1]}}, "
    "'8': {'class_type': 'VAEDecode', 'inputs': {'samples': ['3', 0], 'vae': ['4', 2]}}, "
    "'9': {'class_type': 'SaveImage', 'inputs': {'filename_prefix': 'x', 'images': ['8', 0]}, "
    "'is_changed': [NaN]}, "
    "'10': {'class_type': 'LoraLoader', 'inputs': {'lora_name': 'detail.safetensors', "
    "'strength_model': 0.8, 'model': ['4', 0], 'clip': ['4', 1]}}, "
    "'11': {'class_type': 'PrimitiveNode', 'inputs': {'value': 'a glass bottle, NaN "
    "\\'quoted\\''}} "
    "}");

std::string other(const PictureInfo& info, std::string_view name) {
    const auto found =
        std::ranges::find_if(info.others, [&](const auto& o) { return o.first == name; });
    return found == info.others.end() ? "(none)" : found->second;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

} // namespace

class ForeignMetadataTest : public QObject {
    Q_OBJECT

  private slots:
    void followsAComfyUiGraph() {
        PictureInfo info;
        readComfyUi(kGraph, info);
        QCOMPARE(info.madeWith, std::string("ComfyUI"));
        QVERIFY(info.request);
        QCOMPARE(info.request->prompt, std::string("a glass bottle, NaN \"quoted\""));
        QCOMPARE(info.request->negative, std::string("text, watermark"));
        QCOMPARE(*info.request->seed, int64_t{156680208700286});
        QCOMPARE(*info.request->steps, int64_t{20});
        QCOMPARE(*info.request->cfg, 8.0);
        QCOMPARE(*info.request->sampler, std::string("dpmpp_2m"));
        QCOMPARE(*info.request->schedule, std::string("karras"));
        QCOMPARE(*info.request->width, int64_t{512});
        QCOMPARE(*info.request->height, int64_t{768});
        QCOMPARE(info.request->model, std::string("v1-5"));
        QCOMPARE(info.request->noise, std::string("torch-cpu"));
        QCOMPARE(info.request->promptSyntax, std::string("comfy"));
        QCOMPARE(other(info, "lora_name"), std::string("detail.safetensors"));
    }

    void takesTheFirstOfTwoSamplers() {
        std::string graph = replaced(kGraph, "\"samples\": [\"3\", 0]", "\"samples\": [\"12\", 0]");
        graph = replaced(graph, "\"11\":",
                         json("'12': {'class_type': 'KSampler', 'inputs': "
                              "{'seed': 1, 'steps': 4, 'denoise': 0.5, 'positive': ['6', 0], "
                              "'negative': ['7', 0], "
                              "'model': ['4', 0], 'latent_image': ['3', 0]}}, "
                              "'11':"));
        PictureInfo info;
        readComfyUi(graph, info);
        QCOMPARE(*info.request->steps, int64_t{20});
    }

    void endsOnGraphsOfAnyShape_data() {
        QTest::addColumn<std::string>("graph");
        QTest::addColumn<bool>("isComfyUi");
        QTest::addRow("nothing") << std::string() << false;
        QTest::addRow("a list") << std::string("[1, 2]") << false;
        QTest::addRow("no nodes") << std::string("{\"a\": 1}") << false;
        QTest::addRow("deep") << "{\"1\":" + std::string(100'000, '[') << false;
        QTest::addRow("cut short") << std::string(kGraph).substr(0, 400) << false;
        QTest::addRow("no sampler")
            << std::string(json("{'1': {'class_type': 'SaveImage', 'inputs': {}}}")) << true;
        QTest::addRow("no inputs")
            << std::string(json("{'1': {'class_type': 'KSampler'}}")) << true;
        QTest::addRow("wrong types")
            << std::string(
                   json("{'1': {'class_type': 'KSampler', 'inputs': {'positive': 3, 'steps': "
                        "{'a': 1}, 'seed': [1, 2, 3], 'cfg': null, 'sampler_name': 5, "
                        "'latent_image': []}}, "
                        "'2': 7, '3': {'class_type': 8}}"))
            << true;
        QTest::addRow("linked to itself")
            << std::string(
                   json("{'1': {'class_type': 'KSampler', 'inputs': {'positive': ['1', 0], "
                        "'negative': ['1', 0], 'latent_image': ['1', 0], 'model': ['1', 0], "
                        "'seed': ['1', 0], 'steps': ['1', 0]}}}"))
            << true;
        QTest::addRow("two in a ring")
            << std::string(json("{'1': {'class_type': 'KSampler', 'inputs': {'positive': ['2', 0], "
                                "'latent_image': ['2', 0], 'seed': ['2', 0]}}, "
                                "'2': {'class_type': 'KSampler', 'inputs': {'positive': ['1', 0], "
                                "'latent_image': ['1', 0], 'seed': ['1', 0]}}}"))
            << true;
        std::string many = "{";
        for (int i = 0; i < 15'000; ++i) {
            many += "\"" + std::to_string(i) +
                    json("': {'class_type': 'SaveImage', 'inputs': {'a': ['") +
                    std::to_string((i * 7 + 1) % 15'000) + json("', 0], 'b': ['") +
                    std::to_string((i + 1) % 15'000) + json("', 0]}},");
        }
        many.back() = '}';
        QTest::addRow("fifteen thousand nodes") << many << true;
    }
    void endsOnGraphsOfAnyShape() {
        QFETCH(std::string, graph);
        QFETCH(bool, isComfyUi);
        PictureInfo info;
        readComfyUi(graph, info);
        QCOMPARE(info.madeWith == "ComfyUI", isComfyUi);
    }

    void readsInvokeAi() {
        PictureInfo info;
        readInvokeAi(
            json("{'generation_mode': 'txt2img', 'positive_prompt': 'a barn', "
                 "'negative_prompt': 'people', 'width': 1024, 'height': 768, 'seed': 4203436996, "
                 "'rand_device': 'cuda', 'cfg_scale': 7.5, 'cfg_rescale_multiplier': 0.25, "
                 "'steps': 30, "
                 "'scheduler': 'dpmpp_2m_k', 'clip_skip': 1, 'app_version': '5.0.0', "
                 "'model': {'name': 'juggernaut', 'hash': 'blake3:123', 'base': 'sdxl'}}"),
            info);
        QCOMPARE(info.madeWith, std::string("InvokeAI"));
        QCOMPARE(info.request->prompt, std::string("a barn"));
        QCOMPARE(info.request->negative, std::string("people"));
        QCOMPARE(*info.request->width, int64_t{1024});
        QCOMPARE(*info.request->seed, int64_t{4203436996});
        QCOMPARE(info.request->noise, std::string("philox"));
        QCOMPARE(*info.request->guidanceRescale, 0.25);
        QCOMPARE(*info.request->sampler, std::string("dpmpp_2m"));
        QCOMPARE(*info.request->schedule, std::string("karras"));
        QCOMPARE(info.request->clipSkip, int64_t{2});
        QCOMPARE(info.request->model, std::string("juggernaut"));
        QCOMPARE(other(info, "app_version"), std::string("5.0.0"));
    }

    void readsOldInvokeAi() {
        PictureInfo info;
        readInvokeAi(json("{'model': 'stable diffusion', 'model_weights': 'sd-1.5', 'image': { "
                          "'prompt': [{'prompt': 'a cat [dog, [bird]', 'weight': 1}], 'steps': 50, "
                          "'cfg_scale': 7.5, 'seed': 42, 'width': 512, 'height': 512, 'sampler': "
                          "'k_euler_a'}}"),
                     info);
        QCOMPARE(info.request->prompt, std::string("a cat"));
        QCOMPARE(info.request->negative, std::string("dog, [bird"));
        QCOMPARE(*info.request->sampler, std::string("euler_a"));
        QCOMPARE(info.request->model, std::string("sd-1.5"));
        PictureInfo dream;
        readDream(json("'a \\'cat\\' [dog]' -s 50 -S42 -W 512 -H 640 -C 7.5 -A ddim -G 0.8 -"),
                  dream);
        QCOMPARE(dream.request->prompt, std::string("a \"cat\""));
        QCOMPARE(dream.request->negative, std::string("dog"));
        QCOMPARE(*dream.request->steps, int64_t{50});
        QCOMPARE(*dream.request->seed, int64_t{42});
        QCOMPARE(*dream.request->height, int64_t{640});
        QCOMPARE(*dream.request->sampler, std::string("ddim"));
        QCOMPARE(other(dream, "-G"), std::string("0.8"));
    }

    void saysThatMetadataAreDamaged() {
        PictureInfo graph;
        readComfyUi(" {\"3\": {\"class_type\": \"KSampler\", \"inp", graph);
        QVERIFY(
            other(graph, "Damaged metadata").starts_with("of ComfyUI: the JSON text is malformed"));
        QCOMPARE(graph.madeWith, std::string());
        PictureInfo invoke;
        readInvokeAi("{\"positive_prompt\": \"x\", ", invoke);
        QVERIFY(other(invoke, "Damaged metadata").starts_with("of InvokeAI: "));
        PictureInfo comment; // a program's own "prompt", no graph of nodes
        readComfyUi("a cat in a hat", comment);
        QVERIFY(comment.others.empty());
    }

    void endsOnInvokeAiOfAnyShape() {
        for (const char* text : {"", "{", "[]", "{\"model\": {\"name\": 4}}", "{\"image\": 4}",
                                 "{\"prompt\": [4]}", "{\"clip_skip\": 99999999999999999999}",
                                 "{\"seed\": 1e400}", "{\"seed\": -5, \"steps\": \"x\"}"}) {
            PictureInfo info;
            readInvokeAi(text, info);
            readDream(text, info);
            QVERIFY(info.others.size() < 10);
        }
    }
};

QTEST_GUILESS_MAIN(ForeignMetadataTest)
#include "foreign_metadata_test.moc"
