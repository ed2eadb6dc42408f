#pragma once
// The whole window over a scripted engine, in a folder of its own, without a display.
//
//     Theme theme;
//     Studio studio(theme);
//     studio.window.generate();
//     QTRY_VERIFY(studio.made(1));

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/theme.h"
#include "app/windows/main_window.h"
#include "tests/app/gui/scripted_engine.h"

#include <QApplication>
#include <QDir>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>

namespace kinora::app::testing {

struct Studio {
    explicit Studio(Theme& theme, Script script = {})
        : engine(small(std::move(script))), library({{}, folder.path().toStdString()}),
          window(theme, context()) {
        window.resize(1200, 760);
        window.show();
        core::ModelEntry model;
        model.name = "starter-image";
        model.title = "Kinora starter";
        model.builtIn = true;
        model.defaults.steps = 8;
        model.defaults.width = model.defaults.height = 64;
        window.document().setModels({model});
        QVERIFY(QTest::qWaitForWindowExposed(&window));
    }
    static Script small(Script script) {
        script.size = 64;
        script.steps = 8;
        return script;
    }
    ProgramContext context() {
        const std::filesystem::path base = folder.path().toStdString();
        return {engine,  library,       "0.1.0",           "", "kinora 0.1.0",
                {"cpu"}, base / "data", base / "Pictures", 2};
    }
    QString pictures() const { return folder.path() + "/Pictures"; }
    QStringList files() const { return QDir(pictures()).entryList(QDir::Files, QDir::Name); }
    // Their files are there, and the window has heard of it.
    bool made(int count) {
        int done = 0;
        for (int row = 0; row < window.gallery().rowCount(); ++row)
            done += window.gallery().itemAt(row)->done ? 1 : 0;
        return files().size() == count && done == count;
    }
    template <typename Widget> Widget* named(const QString& accessibleName) {
        for (Widget* widget : window.findChildren<Widget*>())
            if (widget->accessibleName() == accessibleName) return widget;
        return nullptr;
    }
    QPushButton* button(const QString& text) {
        for (QPushButton* candidate : window.findChildren<QPushButton*>())
            if (candidate->text() == text && candidate->isVisible()) return candidate;
        return nullptr;
    }
    GrowingTextEdit* prompt() { return named<GrowingTextEdit>("Prompt"); }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QWidget* focused = QApplication::focusWidget();
        QTest::keyClick(focused != nullptr ? focused : &window, key, modifiers);
    }

    QTemporaryDir folder;
    ScriptedEngine engine;
    core::ModelLibrary library;
    MainWindow window;
};

} // namespace kinora::app::testing
