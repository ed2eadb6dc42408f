#pragma once
// Where a person says what to make: prompt, the parameters of the one table, the plan, and
// Generate, which stays in sight. Everything it changes goes to the document.

#include "core/engine/engine.h"

#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace kinora::app {

class ChoiceBox;
class FoldSection;
class GrowingTextEdit;
class NoticeBar;
class ParameterField;
class ParameterLabel;
class PromptField;
class RequestDocument;
class SeedField;
class Theme;

class ComposePanel : public QWidget {
    Q_OBJECT
  public:
    ComposePanel(const Theme& theme, RequestDocument& document, QWidget* parent = nullptr);

    void showPlan(const Result<pipelines::Plan>& plan);
    // Work runs: Generate adds to the queue.
    void setBusy(bool busy);
    void setLastSeed(int64_t seed);
    // Takes over what is typed but not yet entered. False where a field holds something wrong.
    bool commitEdits();
    void focusPrompt();
    QWidget* lastInTabOrder() const;
    NoticeBar* notice() const { return m_notice; }
    ParameterField* field(const std::string& name) const; // nullptr: has no row of its own

  signals:
    void generateWanted();
    void modelsFolderWanted();

  private:
    QWidget* makeContent();
    QWidget* makeFooter();
    QWidget* makePromptGroup();
    QWidget* makeModelRow();
    QWidget* makeMore();
    void refresh();
    void refreshModels();
    void chooseModel(int index);

    const Theme& m_theme;
    RequestDocument& m_document;
    NoticeBar* m_notice;
    PromptField* m_prompt;
    FoldSection* m_negativeFold;
    GrowingTextEdit* m_negative;
    ParameterLabel* m_modelLabel;
    ChoiceBox* m_model;
    NoticeBar* m_modelNotice;
    SeedField* m_seed;
    FoldSection* m_more;
    std::vector<ParameterField*> m_fields;
    QLabel* m_plan;
    QPushButton* m_generate;
    bool m_busy = false;
};

// "CPU, bf16 · about 1.8 s · 0.4 GB", or why it does not fit and what would.
QString planSentence(const pipelines::Plan& plan);

} // namespace kinora::app
