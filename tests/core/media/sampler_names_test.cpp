// Names of samplers and schedules in the files of other programs.

#include "core/media/sampler_names.h"
#include "pipelines/request/parameters.h"

#include <QtTest>

using namespace kinora::core;
using kinora::pipelines::findImageParameter;

class SamplerNamesTest : public QObject {
    Q_OBJECT

  private slots:
    void everySamplerHasATitle() {
        for (std::string_view ours : findImageParameter("sampler")->choices)
            QVERIFY2(samplerTitle(ours) != ours, std::string(ours).c_str());
        QCOMPARE(samplerTitle("euler_a"), std::string("Euler ancestral"));
        QCOMPARE(samplerTitle("karras"), std::string("karras"));
    }

    void everyNameOfOursComesBackFromTheWebUis() {
        for (std::string_view ours : findImageParameter("sampler")->choices) {
            const std::string theirs = webUiSampler(ours);
            QVERIFY2(theirs != ours, theirs.c_str());
            const auto found = samplerFromWebUi(theirs);
            QVERIFY2(found, theirs.c_str());
            QCOMPARE(found->sampler, std::string(ours));
            QVERIFY(found->schedule.empty());
        }
        for (std::string_view ours : findImageParameter("schedule")->choices)
            QCOMPARE(scheduleFromWebUi(webUiSchedule(ours)).value_or("none"), std::string(ours));
    }

    void oldNamesOfTheWebUisHoldTheScheduleToo() {
        const auto found = samplerFromWebUi("DPM++ 2M SDE Karras");
        QVERIFY(found);
        QCOMPARE(found->sampler, std::string("dpmpp_2m_sde"));
        QCOMPARE(found->schedule, std::string("karras"));
        QCOMPARE(samplerFromWebUi("DPM2 a Karras")->sampler, std::string("dpm2_a"));
        QCOMPARE(samplerFromWebUi("Euler a SGM Uniform")->schedule, std::string("sgm_uniform"));
        QVERIFY(!samplerFromWebUi(" Karras") && !samplerFromWebUi("Karras") &&
                !samplerFromWebUi(""));
    }

    void namesOfNodesAreKnown() {
        const std::pair<const char*, const char*> pairs[] = {
            {"heun", "heun"},    {"dpm_2", "dpm2"},       {"dpm_2_ancestral", "dpm2_a"},
            {"lms", "lms"},      {"ddpm", "ddpm"},        {"dpmpp_2m_sde_gpu", "dpmpp_2m_sde"},
            {"uni_pc", "unipc"}, {"uni_pc_bh2", "unipc"}, {"deis", "deis"},
            {"lcm", "lcm"},      {"ddim", "ddim"},        {"euler_ancestral", "euler_a"}};
        for (const auto& [theirs, ours] : pairs)
            QCOMPARE(samplerFromComfyUi(theirs).value_or("none"), std::string(ours));
        QVERIFY(!samplerFromComfyUi("res_multistep"));
    }

    void namesOfInvokeAreKnown() {
        const std::pair<const char*, const char*> pairs[] = {{"pndm", "pndm"},
                                                             {"heun_k", "heun"},
                                                             {"lms_k", "lms"},
                                                             {"kdpm_2", "dpm2"},
                                                             {"kdpm_2_a_k", "dpm2_a"},
                                                             {"dpmpp_2s", "dpmpp_2s"},
                                                             {"unipc_k", "unipc"},
                                                             {"dpmpp_2m_sde_k", "dpmpp_2m_sde"},
                                                             {"tcd", "tcd"}};
        for (const auto& [theirs, ours] : pairs) {
            const auto found = samplerFromInvokeAi(theirs);
            QVERIFY2(found, theirs);
            QCOMPARE(found->sampler, std::string(ours));
            QCOMPARE(found->schedule, std::string(QString(theirs).endsWith("_k") ? "karras" : ""));
        }
    }
};

QTEST_GUILESS_MAIN(SamplerNamesTest)
#include "sampler_names_test.moc"
