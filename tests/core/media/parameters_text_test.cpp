// The web UIs' text: what we write, and what others write.

#include "core/media/metadata.h"
#include "tests/core/media/media_samples.h"

#include <QTest>

#include <algorithm>

using namespace kinora;
using namespace kinora::core;

namespace {

std::string other(const PictureInfo& info, std::string_view name) {
    const auto found =
        std::ranges::find_if(info.others, [&](const auto& o) { return o.first == name; });
    return found == info.others.end() ? "(none)" : found->second;
}

} // namespace

class ParametersTextTest : public QObject {
    Q_OBJECT

  private slots:
    void writesTheFormatToTheLetter() {
        Provenance made = samples::provenance("a red apple,\n3d emoji", "blurry, text");
        made.modelName = "fancy, v1: final";
        QCOMPARE(parametersText(made, 128, 64),
                 std::string("a red apple,\n3d emoji\n"
                             "Negative prompt: blurry, text\n"
                             "Steps: 24, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, "
                             "Seed: 9007199254740993, Size: 128x64, Model hash: aaaaaaaaaa, "
                             "Model: \"fancy, v1: final\", RNG: CPU, CFG rescale: 0.5, "
                             "Version: kinora 0.1.0 (abc1234)"));
        made.request.negative.clear();
        made.request.noise = "philox";
        made.request.clipSkip = 2;
        const std::string text = parametersText(made, 128, 64);
        QVERIFY(text.find("Negative prompt") == std::string::npos);
        QVERIFY(text.find("RNG") == std::string::npos);
        QVERIFY(text.find("Clip skip: 2") != std::string::npos);
    }

    void readsItsOwnText() {
        Provenance made = samples::provenance("first\nsecond: \"x\", (y:1.2)", "no\nwords");
        made.request.clipSkip = 2;
        const PictureInfo info = parseParametersText(parametersText(made, 128, 64));
        QVERIFY(info.request);
        QCOMPARE(info.request->prompt, made.request.prompt);
        QCOMPARE(info.request->negative, made.request.negative);
        QCOMPARE(*info.request->seed, *made.request.seed);
        QCOMPARE(*info.request->steps, int64_t{24});
        QCOMPARE(*info.request->sampler, std::string("dpmpp_2m"));
        QCOMPARE(*info.request->schedule, std::string("karras"));
        QCOMPARE(*info.request->cfg, 5.5);
        QCOMPARE(*info.request->guidanceRescale, 0.5);
        QCOMPARE(*info.request->width, int64_t{128});
        QCOMPARE(*info.request->height, int64_t{64});
        QCOMPARE(info.request->clipSkip, int64_t{2});
        QCOMPARE(info.request->noise, std::string("torch-cpu"));
        QCOMPARE(info.request->promptSyntax, std::string("auto")); // it is ours
        QCOMPARE(info.request->model, std::string("starter-image"));
    }

    // With the size of the first pass, as the web UI has it.
    void tellsAndReadsASecondPass() {
        Provenance made = samples::provenance("a", "");
        made.request.width = 64;
        made.request.height = 32;
        made.request.hires = 2;
        made.request.hiresSteps = 12;
        made.request.hiresStrength = 0.4;
        made.request.hiresUpscaler = "4x_sharp";
        made.request.pag = 3;
        made.request.freeU = "1.5:1.6:0.9:0.2";
        const std::string text = parametersText(made, 128, 64);
        for (const char* part :
             {"Size: 64x32,", "Denoising strength: 0.4,", "Hires upscale: 2,", "Hires steps: 12,",
              "Hires upscaler: 4x_sharp,", "PAG Active: True,", "PAG Scale: 3,",
              "FreeU Stages: \"[{\\\"backbone_factor\\\":1.5,\\\"skip_factor\\\":0.9},",
              "FreeU Schedule: \"0.0, 1.0, 0.0\","})
            QVERIFY2(text.find(part) != std::string::npos, text.c_str());
        const PictureInfo info = parseParametersText(text);
        QCOMPARE(*info.request->width, int64_t{64});
        QCOMPARE(*info.request->hires, 2.0);
        QCOMPARE(*info.request->hiresSteps, int64_t{12});
        QCOMPARE(*info.request->hiresStrength, 0.4);
        QCOMPARE(*info.request->hiresUpscaler, std::string("4x_sharp"));
        QCOMPARE(*info.request->pag, 3.0);
        made.request.hiresUpscaler.reset();
        const std::string plain = parametersText(made, 128, 64);
        QVERIFY(plain.find("Hires upscaler: Lanczos") != std::string::npos);
        QVERIFY(!parseParametersText(plain).request->hiresUpscaler);
        const PictureInfo latent =
            parseParametersText("a\nSteps: 2, Hires upscaler: Latent (bicubic)");
        QVERIFY(!latent.request->hiresUpscaler);
        QCOMPARE(other(latent, "Hires upscaler"), std::string("Latent (bicubic)"));
    }

    // Strength is that of the run from a picture where there is no second pass.
    void tellsTheStrengthOfARunFromAPicture() {
        Provenance made = samples::provenance("a", "");
        made.request.strength = 0.6;
        QVERIFY(parametersText(made, 64, 64).find("Denoising") == std::string::npos);
        made.initHash = "sha256:" + std::string(64, '1');
        const std::string text = parametersText(made, 64, 64);
        QVERIFY(text.find("Denoising strength: 0.6,") != std::string::npos);
        QCOMPARE(other(parseParametersText(text), "Denoising strength"), std::string("0.6"));
        QVERIFY(text.find("Mask blur") == std::string::npos);
        made.request.maskBlur = 6;
        QVERIFY(parametersText(made, 64, 64).find("Mask blur: 6,") != std::string::npos);
    }

    void readsWhatA1111Writes() {
        const PictureInfo info = parseParametersText(
            "photo of a (cat:1.3), <lora:detail:0.8>\r\nsecond line\r\n"
            "Negative prompt: lowres, bad\nhands\n"
            "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, Size: 512x768, "
            "Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Denoising strength: 0.7, "
            "Clip skip: 2, Lora hashes: \"detail: 7c6bad76eb54, other: 123\", "
            "TI hashes: \"bad: \\\"quoted\\\", x\", Version: v1.9.4");
        QCOMPARE(info.madeWith, std::string("A1111"));
        QCOMPARE(info.request->prompt,
                 std::string("photo of a (cat:1.3), <lora:detail:0.8>\nsecond line"));
        QCOMPARE(info.request->negative, std::string("lowres, bad\nhands"));
        QCOMPARE(*info.request->sampler, std::string("dpmpp_2m"));
        QCOMPARE(*info.request->schedule, std::string("karras"));
        QCOMPARE(*info.request->steps, int64_t{30});
        QCOMPARE(*info.request->cfg, 7.0);
        QCOMPARE(*info.request->height, int64_t{768});
        QCOMPARE(info.request->noise, std::string("philox")); // it drew them as CUDA does
        QCOMPARE(info.request->promptSyntax, std::string("a1111"));
        QCOMPARE(info.request->model, std::string("v1-5-pruned-emaonly"));
        QCOMPARE(other(info, "Lora hashes"), std::string("detail: 7c6bad76eb54, other: 123"));
        QCOMPARE(other(info, "TI hashes"), std::string("bad: \"quoted\", x"));
        QCOMPARE(other(info, "Denoising strength"), std::string("0.7"));
        QCOMPARE(other(info, "Model hash"), std::string("6ce0161689"));
    }

    void prefersTheScheduleField() {
        const PictureInfo info = parseParametersText(
            "x\nSteps: 5, Sampler: Euler a, Schedule type: SGM Uniform, CFG scale: 1, RNG: CPU");
        QCOMPARE(*info.request->sampler, std::string("euler_a"));
        QCOMPARE(*info.request->schedule, std::string("sgm_uniform"));
        QCOMPARE(info.request->noise, std::string("torch-cpu"));
    }

    void tellsWhatHasNoEqualHere() {
        const PictureInfo info = parseParametersText(
            "x\nSteps: 99999, Sampler: Restart, Schedule type: Polyexponential, CFG scale: nan, "
            "Seed: -1, Size: 513x99999999999999999999, Clip skip: -3, Width");
        QVERIFY(!info.request->steps);
        QVERIFY(!info.request->sampler);
        QVERIFY(!info.request->schedule);
        QVERIFY(!info.request->cfg);
        QVERIFY(!info.request->seed);
        QVERIFY(!info.request->width);
        QVERIFY(!info.request->height);
        QCOMPARE(other(info, "Steps"), std::string("99999"));
        QCOMPARE(other(info, "Sampler"), std::string("Restart"));
        QCOMPARE(other(info, "Schedule type"), std::string("Polyexponential"));
        QCOMPARE(other(info, "Seed"), std::string("-1"));
    }

    void takesTheLastLineOfFields() {
        const PictureInfo info = parseParametersText(
            "Steps: 1, Sampler: DDIM, CFG scale: 1\nis a prompt too\n"
            "Steps: 7, Sampler: DDIM, Hashes: {\"vae\": \"1\", \"model\": \"2\"}, Seed: 3\n"
            "Template: {a|b}");
        QCOMPARE(*info.request->steps, int64_t{7});
        QCOMPARE(*info.request->seed, int64_t{3});
        QCOMPARE(info.request->prompt,
                 std::string("Steps: 1, Sampler: DDIM, CFG scale: 1\nis a prompt too"));
        QCOMPARE(other(info, "Hashes"), std::string("{\"vae\": \"1\", \"model\": \"2\"}"));
        QCOMPARE(other(info, "Rest"), std::string("Template: {a|b}"));
    }

    void neverFails_data() {
        QTest::addColumn<std::string>("text");
        QTest::addRow("empty") << std::string();
        QTest::addRow("blank") << std::string(" \n\n ");
        QTest::addRow("only fields") << std::string("Steps: 4, Seed: 1, CFG scale: 2");
        QTest::addRow("only negative") << std::string("Negative prompt: x");
        QTest::addRow("invalid UTF-8") << std::string("\xFF\xFE\nSteps: \xC3, Seed: 1, Size: 8x8");
        QTest::addRow("NUL") << std::string("a\0b\nSteps: 4", 12);
        QTest::addRow("open quote") << std::string("x\nSteps: 4, A: \"b, Seed: 5");
        QTest::addRow("open brace") << std::string("x\nSteps: 4, A: {b, Seed: 5");
        QTest::addRow("colons") << "x\nSteps: " + std::string(100'000, ':');
        QTest::addRow("commas") << "x\nSteps: " + std::string(100'000, ',');
        QTest::addRow("braces") << "x\nSteps: 1, A: " + std::string(100'000, '{');
        std::string fields = "x\nSteps: 4";
        for (int i = 0; i < 50'000; ++i) fields += ", K" + std::to_string(i) + ": \"v\\\"\"";
        QTest::addRow("many fields") << fields;
        QTest::addRow("prompt over the limit") << std::string(2'000'000, 'x') + "\nSteps: 4";
    }
    void neverFails() {
        QFETCH(std::string, text);
        const PictureInfo info = parseParametersText(text);
        QVERIFY(info.others.size() <= 600);
    }
};

QTEST_GUILESS_MAIN(ParametersTextTest)
#include "parameters_text_test.moc"
