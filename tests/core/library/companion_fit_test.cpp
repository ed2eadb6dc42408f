// Which files go with which model, from what headers say: of golden files, and of families by name.

#include "core/library/companion_fit.h"

#include <QTest>

#include <string>

using namespace kinora::core;

namespace {

const std::string kGolden = KINORA_SOURCE_DIR "/tests/golden/data/";

CompanionInfo file(const char* kind, const char* family) {
    CompanionInfo info;
    info.kind = kind;
    info.family = family;
    return info;
}

ModelEntry model(const char* family) {
    ModelEntry entry;
    entry.family = family;
    return entry;
}

} // namespace

class CompanionFitTest : public QObject {
    Q_OBJECT

  private slots:
    void knowsWhatAFileIsUsedAs() {
        const auto kindIn = [](const char* path) {
            const auto info = readCompanionInfo(kGolden + path);
            return info ? companionKindOf(*info) : CompanionKind::Picture;
        };
        QCOMPARE(kindIn("control/nets/control-sd1.safetensors"), CompanionKind::ControlNet);
        QCOMPARE(kindIn("control/nets/adapter-sd1.safetensors"), CompanionKind::Adapter);
        QCOMPARE(companionKindOf(file("LoHa", "")), CompanionKind::Lora);
        QCOMPARE(companionKindOf(file("upscaler", "4x, ESRGAN")), CompanionKind::Upscaler);
        QCOMPARE(companionKindOf(file("IP-Adapter", "")), CompanionKind::IpAdapter);
    }

    void saysWhichFamilyAFileIsFor() {
        QCOMPARE(misfit(file("LoRA", "SDXL"), model("Stable Diffusion 1.x")),
                 std::string("for SDXL; this model is Stable Diffusion 1.x"));
        QCOMPARE(misfit(file("LoRA", "SDXL"), model("SDXL")), std::string());
        QVERIFY(!misfit(file("LoRA", "Flux"), model("SDXL")).empty());
        QCOMPARE(misfit(file("ControlNet", "SDXL"), model(kOwnFamily)),
                 std::string("for SDXL; this model is of a kind of its own"));
        QCOMPARE(misfit(file("T2I-Adapter", "SDXL"), model(kOwnFamily)), std::string());
    }

    void leavesToTheEngineWhatCannotBeTold() {
        QCOMPARE(misfit(file("LoRA", "SDXL"), model("")), std::string());
        QCOMPARE(misfit(file("LoRA", ""), model("SDXL")), std::string());
        QCOMPARE(misfit(file("LoRA", "stable-diffusion-v1"), model("Stable Diffusion 1.x")),
                 std::string());
        QCOMPARE(misfit(file("upscaler", "4x, ESRGAN"), model("SDXL")), std::string());
    }

    void refinersShareTheLatents() {
        QCOMPARE(refinerMisfit(model("the SDXL refiner"), model("SDXL")), std::string());
        QCOMPARE(refinerMisfit(model("Stable Diffusion 2.x"), model("Stable Diffusion 1.x")),
                 std::string());
        QCOMPARE(refinerMisfit(model("the SDXL refiner"), model("Stable Diffusion 1.x")),
                 std::string("the SDXL refiner; this model is Stable Diffusion 1.x"));
        ModelEntry broken = model("SDXL");
        broken.problem = "cut short";
        QVERIFY(!refinerMisfit(broken, model("SDXL")).empty());
    }
};

QTEST_APPLESS_MAIN(CompanionFitTest)
#include "companion_fit_test.moc"
